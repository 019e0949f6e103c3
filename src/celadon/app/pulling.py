"""Taking an environment's variables from where the team keeps them: a draft of its env file, whole or not at all."""

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import SecretStr

from celadon.adapters import compose, doppler, process
from celadon.adapters.drafts import Draft
from celadon.adapters.foreign_files import UnsafeFile, checkout_of, status_inside
from celadon.app.configs import interpolated
from celadon.config import dotenv, parts
from celadon.config.outline import find_file, load_outline
from celadon.config.positions import Positions, read, shown
from celadon.config.secrets import Doppler, Secrets
from celadon.config.workspace import choose
from celadon.errors import CeladonError, CommandError, CommandTimeout, RefusedError, UsageError
from celadon.locale import _, numbers
from celadon.state.private import private_folder

PRINTED = 4_000_000  # characters that a command may print
VARIABLES = 10_000
SAID = 5  # last lines of a command's standard error that are shown
TOKEN = "DOPPLER_TOKEN"  # noqa: S105 (the variable's name)

Say = Callable[[str], None]


def named(folder: Path, environment: str) -> tuple[Positions, str]:
    """The workspace's file, and an environment's name in it, or that of laptops. Raises UsageError, ConfigError."""
    raw = read(load_outline(find_file(folder)).file)
    return raw, choose(environment, parts.environment_names(raw), _("environment"))


def pull(folder: Path, environment: str, say: Say) -> Draft:
    """The env file of `environment` as its source has it now; `say` is told why it takes longer.

    Raises CeladonError for anything less than a whole, good answer. No message holds a token or a value.
    """
    raw, name = named(folder, environment)
    asked = parts.secrets(raw, name, interpolated)
    file = _target(raw, name, asked)
    refuse_unsafe(raw, file)
    if asked.doppler:
        values = _doppler(asked.doppler, name, raw.file.parent, asked.timeout, say)
        text = _proved(dotenv.written(values), values)
    else:
        text = _text_of(_printed(asked.command or (), name, raw.file.parent, asked.timeout), say)
    draft = Draft(file, text, 0o600, secret=True, checkout=checkout_of(raw.file.parent, file))
    _refuse_what_is_no_text(draft)
    return draft


def refuse_unsafe(raw: Positions, file: Path) -> None:
    """Raises RefusedError where an env file in a checkout is a link elsewhere: secrets would go where a push says."""
    if (checkout := checkout_of(raw.file.parent, file)) is None:
        return
    try:
        status_inside(checkout, file)
    except UnsafeFile as problem:
        words = _("{file} {reason}. Nothing was written.").format(file=shown(file), reason=problem.strerror)
        raise RefusedError(words, hint=_("Move it away first.")) from None


def _target(raw: Positions, environment: str, asked: Secrets) -> Path:
    if asked.file:
        return (raw.file.parent / Path(asked.file).expanduser()).absolute()
    hint = _("Say which file is written: x-celadon.secrets.file")
    return parts.own_file(raw, environment, interpolated, hint)


def _refuse_what_is_no_text(draft: Draft) -> None:
    """What is there is compared with what comes."""
    try:
        _before = draft.before
    except UnsafeFile:
        name = shown(draft.path)
        raise RefusedError(_("{file} is no text file.").format(file=name), hint=_("Move it away first.")) from None


def _doppler(source: Doppler, environment: str, folder: Path, limit: float, say: Say) -> dict[str, str]:
    wanted = source.config or environment
    values = _of_json(doppler.download(source.project, wanted, _token(source, folder), limit, say))
    if (got := values.get("DOPPLER_CONFIG", wanted)) != wanted:
        raise RefusedError(
            _("The token is for Doppler's config {got}, not for {wanted}.").format(got=got, wanted=wanted),
            hint=_("Give {environment} a token of its own; nothing was written.").format(environment=environment),
        )
    return values


def _token(source: Doppler, folder: Path) -> SecretStr:
    """From the file, from `token` in x-celadon, or from the shell, in this order."""
    if source.token_file:
        return _token_in(folder / Path(source.token_file).expanduser())
    if source.token.get_secret_value():
        return source.token
    return _good(os.environ.get(TOKEN, ""), _("the variable {name}").format(name=TOKEN))


def _token_in(file: Path) -> SecretStr:
    try:
        mode, text = file.stat().st_mode & 0o777, file.read_text()
    except (OSError, UnicodeDecodeError):
        raise UsageError(_("The token's file {file} cannot be read.").format(file=file)) from None
    if mode & 0o077:
        words = _("The token's file {file} is open to others (mode {mode}).")
        raise RefusedError(words.format(file=file, mode=f"{mode:04o}"), hint=f"chmod 600 {file}")
    return _good(text, str(file))


def _good(text: str, where: str) -> SecretStr:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            _("There is no token of Doppler's in {where}.").format(where=where),
            hint=_("Set {name}, or name a file of mode 0600: x-celadon.secrets.doppler.token_file").format(name=TOKEN),
        )
    return SecretStr(token)


def _printed(command: tuple[str, ...], environment: str, folder: Path, limit: float) -> str:
    """What a command prints, if it ends well. Its own words on standard error are shown, its output never."""
    try:
        done = process.run(command, cwd=folder, env={"CELADON_ENV": environment}, timeout=limit, check=False)
    except CommandTimeout:
        words = _("`{program}` took longer than {seconds:g} s and was ended.")
        hint = _("Raise x-celadon.secrets.timeout, or run it by hand.")
        raise CeladonError(words.format(program=command[0], seconds=limit), hint=hint) from None
    if done.code:
        printed = {line.rstrip("\r") for line in done.out.split("\n")}  # as the tail is cut, and nowhere else
        raise CeladonError(
            _("`{program}` ended with code {code}; nothing was written.").format(program=command[0], code=done.code),
            evidence=[line for line in done.tail if line not in printed][-SAID:],
            hint=_("Run it by hand: is it logged in?"),
        )
    if len(done.out) > PRINTED:
        _refuse(_("is longer than {size}").format(size=numbers.size(PRINTED)))
    if "\ufffd" in done.out or "\0" in done.out:
        _refuse(_("is no UTF-8 text"))
    return done.out


def _text_of(printed: str, say: Say) -> str:
    """The env file that was printed: JSON is written anew, and what is one already is taken as it is."""
    if printed.lstrip().startswith(("{", "[")):
        values = _of_json(printed)
        return _proved(dotenv.written(values), values)
    entries, slips = dotenv.read(printed)
    for slip in slips:
        if slip.broken:
            _refuse(_("line {line}: {what}").format(line=slip.place.line, what=slip.what))
    open_ = sorted({entry.name for entry in entries if dotenv.interpolates(entry)})
    if open_:
        say(_("{names}: Compose takes a $ in the value for a variable; print JSON, or quote it in '…'.").format(
            names=", ".join(open_)))  # fmt: skip
    return _proved(printed if printed.endswith("\n") else f"{printed}\n", None)


def _of_json(text: str) -> dict[str, str]:
    """The variables in a flat JSON object; numbers and booleans as they are written there."""
    try:
        given: Any = json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        _refuse(_("is no whole JSON"))
    if not isinstance(given, dict):
        _refuse(_("is no JSON object with a variable a key"))
    if len(given) > VARIABLES:
        _refuse(_("has more than {n} variables").format(n=VARIABLES))
    values: dict[str, str] = {}
    for name, value in given.items():
        if not dotenv.NAME.fullmatch(name):
            _refuse(_("has a key that no variable can be called: {name!r}").format(name=name[:40]))
        if isinstance(value, bool):
            value = json.dumps(value)
        if not isinstance(value, str) or "\0" in value or not _is_unicode(value):
            _refuse(_("has no text under {name}").format(name=name))
        values[name] = value
    return dict(sorted(values.items()))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, in which no name may stand twice: which of the two values is meant?"""
    given = dict(pairs)
    if len(given) < len(pairs):
        counted = Counter(name for name, _value in pairs)
        _refuse(_("sets {name} twice").format(name=repr(counted.most_common(1)[0][0])[:40]))
    return given


def _is_unicode(text: str) -> bool:
    """JSON may hold half a character ("\\ud800")."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _proved(text: str, values: Mapping[str, str] | None) -> str:
    """`text`, when Compose reads exactly `values` in it (any, where None)."""
    with private_folder() as folder:
        copy = folder / "copy.env"
        copy.write_text(text)
        try:
            seen = compose.variables_of(copy)
        except CommandError:  # its words may hold values
            _refuse(_("is nothing that Compose can read"))
    if not seen:
        _refuse(_("holds no variable"))
    if values is not None and seen != values:
        names = sorted(name for name in {*seen, *values} if seen.get(name) != values.get(name))
        _refuse(_("holds what Compose would read otherwise: {names}").format(names=", ".join(names)))
    return text


def _refuse(what: str) -> NoReturn:
    """What came is not written; `what` says why, without a value."""
    raise CeladonError(_("What came {what}; nothing was written.").format(what=what))
