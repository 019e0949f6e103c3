"""Rules of files that hold secrets: who may read them, and that git does not have them. Only names are told."""

import shlex
from collections.abc import Iterator

from celadon.check.envfiles import read
from celadon.check.facts import ERROR, INFO, OPEN, TRACKED, UNSAID, WARNING, Facts, Finding, Rule
from celadon.check.images import names_a_secret
from celadon.config.positions import Place
from celadon.locale import _

ENV_MODE = Rule(
    "env/mode", WARNING, _("every user and every program of the server can read it"), _("chmod 600 {file}"),
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
KEY_TRACKED = Rule(
    "keys/tracked", ERROR, _("who has the repository has it, and its history keeps it for ever"),
    _("git rm --cached {file}, add it to .gitignore, and make a new key."),
)  # fmt: skip
KEY_OPEN = Rule(
    "keys/not-ignored", WARNING,
    _("the next `git add .` takes it into the repository"), _("Add it to .gitignore: {name}"),
)  # fmt: skip
GIT_UNSAID = Rule(
    "env/git-refuses", INFO, _("whether it is in the repository could not be seen"),
    _("git status; it says what git does not like about the folder"),
)  # fmt: skip

WIDER = 0o077
TOP = Place(1, 1)


def env_files(seen: Facts) -> Iterator[Finding]:
    """Env files: their mode, and what git knows of them. One in git that holds a secret is an error."""
    for one in seen.env_files:
        words = {"file": shlex.quote(one.file), "name": one.file.rpartition("/")[2]}
        if one.mode & WIDER:
            yield ENV_MODE.at(one.file, TOP, _("its mode is {mode:04o}").format(mode=one.mode), **words)
        if one.git == TRACKED:
            held = [entry.name for entry in read(one.text)[0] if not entry.empty and names_a_secret(entry.name)]
            what = _("git has it, with {names}").format(names=", ".join(held)) if held else _("git has it")
            yield ENV_TRACKED.at(one.file, TOP, what, severity=ERROR if held else "", **words)
        elif one.git == OPEN:
            yield ENV_OPEN.at(one.file, TOP, _("no .gitignore keeps it out"), **words)
        elif one.git == UNSAID:
            yield GIT_UNSAID.at(one.file, TOP, _("git does not tell"))


def keys(seen: Facts) -> Iterator[Finding]:
    """Private keys: their mode, and what git knows of them. Public ones and certificates may be seen."""
    for one in seen.keys:
        words = {"file": shlex.quote(one.file), "name": one.file.rpartition("/")[2]}
        if not one.private:
            continue
        if one.mode & WIDER:
            yield KEY_MODE.at(one.file, TOP, _("a private key whose mode is {mode:04o}").format(mode=one.mode), **words)
        if one.git == TRACKED:
            yield KEY_TRACKED.at(one.file, TOP, _("git has this private key"), **words)
        elif one.git == OPEN:
            yield KEY_OPEN.at(one.file, TOP, _("no .gitignore keeps this private key out"), **words)
