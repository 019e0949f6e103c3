"""Rules of files that hold secrets: who may read them and who must, and that git lacks them. Only names are told."""

import shlex
from collections.abc import Iterator

from celadon.check.access import ENTER, READ, User
from celadon.check.facts import (
    ENV,
    ERROR,
    INFO,
    KEY,
    OPEN,
    TRACKED,
    UNSAID,
    WARNING,
    EnvFile,
    Facts,
    Finding,
    KeyFile,
    Rule,
)
from celadon.config.dotenv import read
from celadon.config.positions import Place
from celadon.config.secret_names import names_a_secret
from celadon.locale import _

ENV_MODE = Rule(
    "env/mode", WARNING, _("every user and every program of the server can read it"), _("chmod 600 {file}"),
)  # fmt: skip
ENV_OWNER = Rule(
    "env/owner", WARNING, _("who owns it can change what the services run with, whatever its mode"),
    _("chown {owner} {file}"),
)  # fmt: skip
ENV_UNREADABLE = Rule(
    "env/unreadable", WARNING, _("the service that it is mounted into fails, or runs without it"),
    _("chown {user} {stop}, or let `env_file` bring it: that is read by who deploys"),
)  # fmt: skip
ENV_TRACKED = Rule(
    "env/tracked", WARNING, _("who has the repository has it, and its history keeps it for ever"),
    _("git rm --cached {file}, add it to .gitignore, and change the secrets that were in it."),
)  # fmt: skip
ENV_OPEN = Rule(
    "env/not-ignored", WARNING,
    _("the next `git add .` takes it into the repository"), _("Add it to .gitignore: {name}"),
)  # fmt: skip
KEY_MODE = Rule(
    "keys/mode", ERROR, _("every user and every program of the server can read it, and sign with it"),
    _("chmod 600 {file}, and give it to the user of the service: chown 1000 {file}"),
)  # fmt: skip
KEY_OWNER = Rule(
    "keys/owner", WARNING, _("who owns it can put another key in its place"), _("chown {owner} {file}"),
)  # fmt: skip
KEY_UNREADABLE = Rule(
    "keys/unreadable", WARNING, _("the service fails as soon as it needs it"),
    _("Give what stops it to the service's user: chown {user} {stop}"),
)  # fmt: skip
KEY_TRACKED = Rule(
    "keys/tracked", ERROR, _("who has the repository has it, and its history keeps it for ever"),
    _("git rm --cached {file}, add it to .gitignore, and make a new key."),
)  # fmt: skip
KEY_OPEN = Rule(
    "keys/not-ignored", WARNING,
    _("the next `git add .` takes it into the repository"), _("Add it to .gitignore: {name}"),
)  # fmt: skip
STATE_TRACKED = Rule(
    "git/celadon", WARNING, _("every release lies there with its environment: who has the repository has all secrets"),
    _("git rm -r --cached .celadon, add /.celadon/ to .gitignore, and change the secrets of all environments."),
)  # fmt: skip
GIT_UNSAID = Rule(
    "env/git-refuses", INFO, _("whether it is in the repository could not be seen"),
    _("git status; it says what git does not like about the folder"),
)  # fmt: skip

WIDER, OTHERS = 0o077, 0o007
TOP = Place(1, 1)


def env_files(seen: Facts) -> Iterator[Finding]:
    """Env files: their mode and owner, and what git knows of them. One in git that holds a secret is an error."""
    for one in seen.env_files:
        for found in _of_env_file(one, seen):
            yield found.about(one.services)


def _of_env_file(one: EnvFile, seen: Facts) -> Iterator[Finding]:
    words = _words(one, seen)
    if one.access.mode & WIDER:
        yield ENV_MODE.at(one.file, TOP, _("its mode is {mode:04o}").format(mode=one.access.mode), **words)
    if one.access.owner not in _trusted(seen):
        yield ENV_OWNER.at(one.file, TOP, _owned(one, seen), **words)
    for what, stop, user in _shut_out(one, seen):
        yield ENV_UNREADABLE.at(one.file, TOP, what, stop=stop, user=user.id)
    if one.git == TRACKED:
        held = [entry.name for entry in read(one.text)[0] if not entry.empty and names_a_secret(entry.name)]
        what = _("git has it, with {names}").format(names=", ".join(held)) if held else _("git has it")
        yield ENV_TRACKED.at(one.file, TOP, what, severity=ERROR if held else "", **words)
    elif one.git == OPEN:
        yield ENV_OPEN.at(one.file, TOP, _("no .gitignore keeps it out"), **words)
    elif one.git == UNSAID:
        yield GIT_UNSAID.at(one.file, TOP, _("git does not tell"))


def keys(seen: Facts) -> Iterator[Finding]:
    """Keys: whether those who need them can read them. Private ones: mode, owner, and what git knows of them."""
    for one in seen.keys:
        for found in _of_key(one, seen):
            yield found.about(one.services)


def _of_key(one: KeyFile, seen: Facts) -> Iterator[Finding]:
    words = _words(one, seen)
    for what, stop, user in _shut_out(one, seen):
        yield KEY_UNREADABLE.at(one.file, TOP, what, stop=stop, user=user.id)
    if not one.private:
        return
    if one.access.mode & WIDER:
        severity = "" if one.access.mode & OTHERS else WARNING  # a group may be what was meant
        what = _("a private key whose mode is {mode:04o}").format(mode=one.access.mode)
        yield KEY_MODE.at(one.file, TOP, what, severity=severity, **words)
    users = {seen.users[mount.service].id for mount in one.mounts if mount.service in seen.users}
    if one.access.owner not in _trusted(seen) | users:
        yield KEY_OWNER.at(one.file, TOP, _owned(one, seen), **words)
    if one.git == TRACKED:
        yield KEY_TRACKED.at(one.file, TOP, _("git has this private key"), **words)
    elif one.git == OPEN:
        yield KEY_OPEN.at(one.file, TOP, _("no .gitignore keeps this private key out"), **words)


def strays(seen: Facts) -> Iterator[Finding]:
    """What else git has and should not. It stops no deployment: nothing that is deployed reads it."""
    for one in seen.strays:
        words = {"file": shlex.quote(one.file)}
        if one.kind == KEY:
            found = KEY_TRACKED.at(one.file, TOP, _("git has this private key"), severity=WARNING, **words)
        elif one.kind == ENV:
            what = _("git has it, with {names}").format(names=", ".join(one.held))
            found = ENV_TRACKED.at(one.file, TOP, what, **words)
        else:
            found = STATE_TRACKED.at(one.file, TOP, _("git has what Celadon keeps for itself"), **words)
        yield found.about(())


def _words(one: EnvFile | KeyFile, seen: Facts) -> dict[str, str]:
    return {"file": shlex.quote(one.file), "name": one.file.rpartition("/")[2], "owner": str(seen.home.owner)}


def _trusted(seen: Facts) -> set[int]:
    """Who may own what secrets lie in: who owns the compose file, and root."""
    return {seen.home.owner, 0}


def _owned(one: EnvFile | KeyFile, seen: Facts) -> str:
    return _("it belongs to user {owner}, and the compose file to {home}").format(
        owner=one.access.owner, home=seen.home.owner
    )


def _shut_out(one: EnvFile | KeyFile, seen: Facts) -> Iterator[tuple[str, str, User]]:
    """The services that it is mounted into and whose user cannot read it: in words, what stops them, and that user."""
    for mount in one.mounts:
        user = seen.users.get(mount.service)
        if user is None or mount.passing:
            continue
        folders = one.file.split("/")[:-1]
        shut = next((n for n, folder in enumerate(mount.way) if not folder.lets(user, ENTER)), None)
        words = {"service": mount.service, "user": str(user.id)}
        if shut is not None:
            stop = "/".join(folders[: len(folders) - len(mount.way) + shut + 1])
            stopper, words["folder"] = mount.way[shut], stop
            what = _("{service} runs as user {user} and cannot enter {folder}: mode {mode:04o} of user {owner}")
        elif not one.access.lets(user, READ):
            stop, stopper = one.file, one.access
            what = _("{service} runs as user {user} and cannot read it: mode {mode:04o} of user {owner}")
        else:
            continue
        yield what.format(**words, mode=stopper.mode, owner=stopper.owner), shlex.quote(stop), user
