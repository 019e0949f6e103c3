"""The secrets that are in play in a workspace, hidden in everything that is written and shown of a deployment."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from celadon.config import dotenv, parts
from celadon.config.interpolation import unescaped
from celadon.config.masking import Mask
from celadon.config.positions import Loader, Positions, read
from celadon.config.secret_files import content_of
from celadon.config.secret_names import names_a_secret
from celadon.config.secret_values import login_parts, secret_parts
from celadon.config.workspace import EnvironmentConfig, Outline
from celadon.errors import CeladonError, ConfigError
from celadon.state import encryption
from celadon.state import snapshot as labels
from celadon.state.layout import Layout

LARGEST = 1 << 20  # bytes of a file that is read for the secrets in it
A_SECRET = "SECRET"  # noqa: S105 (the name that stands for what is a secret by its place)
VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+")
TOKENS = ("DOPPLER_TOKEN", "CELADON_NOTIFY_URL")


def mask_of(outline: Outline, layout: Layout, configs: Sequence[EnvironmentConfig], *, every: bool = False) -> Mask:
    """What hides the secrets of `configs`, of what is kept of their environments, and of the files as they are now.

    Kept releases, too: what a rollback starts says the password of its own days. `every` takes in all environments, and
    what stands in clear in the Compose file or on command lines: for what leaves the server.
    """
    raw = _file(outline)
    names, clear = _names(outline), set() if every or raw is None else set(_in_clear(raw))
    environments = outline.environments if every else tuple({config.name for config in configs})
    definitions = [*_of_configs(configs), *_kept(layout, environments)]
    pairs = chain(
        (pair for one in definitions for pair in _variables(one, everything=every)),
        _in_files(raw, outline) if raw else (),
        ((name, os.environ[name]) for name in _from_the_shell(raw) if name in os.environ),
    )
    found = {text for name, value in set(pairs) for text in secret_parts(name, value, names, clear)}
    return Mask(found | set(_addresses(configs, _renderings(layout, environments))))


@contextmanager
def errors_masked(outline: Outline, layout: Layout, configs: Sequence[EnvironmentConfig] = ()) -> Iterator[None]:
    """Let no error out with a secret in its words."""
    try:
        yield
    except CeladonError as problem:
        problem.rewrite(mask_of(outline, layout, configs, every=not configs))
        raise


def _names(outline: Outline) -> set[str]:
    slots = (f"{name}-{slot}" for name in outline.services for slot in ("blue", "green"))
    projects = (f"{outline.name}-{environment}" for environment in outline.environments)
    return {outline.name, *outline.environments, *outline.services, *slots, *projects, str(outline.folder)}


def _file(outline: Outline) -> Positions | None:
    """The team's file; None where it cannot be read any more."""
    with suppress(ConfigError, OSError):
        return read(outline.file)
    return None


def _services(document: Any) -> Iterator[Mapping[str, Any]]:
    services = document.get("services") if isinstance(document, dict) else None
    yield from (one for one in (services or {}).values() if isinstance(one, dict))


def _in_clear(raw: Positions) -> Iterator[str]:
    """Values that stand in the file itself, for everybody who has the repository."""
    for service in _services(raw.data):
        build = service.get("build")
        for given in (service.get("environment"), build.get("args") if isinstance(build, dict) else None):
            for name, value in _pairs(given):
                if "$" not in value and not names_a_secret(name):
                    yield value.strip()


def _pairs(given: Any) -> Iterator[tuple[str, str]]:
    """Variables, written as a mapping or as a list of NAME=value."""
    if isinstance(given, dict):
        yield from ((str(name), str(value)) for name, value in given.items() if value is not None)
    for one in given if isinstance(given, list) else ():
        name, sign, value = str(one).partition("=")
        if sign:
            yield name, value


def _of_configs(configs: Iterable[EnvironmentConfig]) -> Iterator[Mapping[str, Any]]:
    for config in configs:
        yield from (service.definition for service in config.services.values())
        yield from config.backing.values()
        yield {"configs": config.configs}


def _kept(layout: Layout, environments: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Everything that documents below `.celadon` give to services."""
    known = set(environments)
    releases = [file for file in layout.every_release() if file.parents[2].name in known]
    for document in chain(_loaded(layout, [*releases, *map(layout.compose, known)]), _renderings(layout, known)):
        yield from _services(document)
        yield {"configs": document.get("configs")}


def _renderings(layout: Layout, environments: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    for name in environments:
        yield from _loaded(layout, layout.every_rendered(name))


def _loaded(layout: Layout, files: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """Documents that can be read. Raises KeyFileError: what nobody can read, nobody can hide."""
    for file in files:
        with suppress(OSError, ValueError, yaml.YAMLError, encryption.Ruined):  # gone meanwhile, or it starts nothing
            document = yaml.load(encryption.read(layout, file), Loader)  # noqa: S506 (a safe loader)
            if isinstance(document, dict):
                yield document


def _variables(definition: Mapping[str, Any], *, everything: bool) -> Iterator[tuple[str, str]]:
    """What a service is given that may be a secret, by name. The router is Celadon's own."""
    marks = definition.get("labels") or {}
    if marks.get(labels.ROLE) == labels.ROUTER:
        return
    theirs = {name: value for name, value in marks.items() if not name.startswith("celadon.")}
    build = definition.get("build") or {}
    for given in (definition.get("environment"), build.get("args"), theirs):
        for name, value in _pairs(given):
            yield name, unescaped(value)
    for grant in definition.get("secrets") or ():
        yield A_SECRET, (content_of(grant) or b"").decode(errors="replace")
    for key in ("command", "entrypoint", "healthcheck", "configs") if everything else ():
        yield from ((key, unescaped(text)) for text in _texts(definition.get(key)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


def _in_files(raw: Positions, outline: Outline) -> Iterator[tuple[str, str]]:
    """Variables of env files as they are now, of all environments, and what files of `secrets` hold."""
    for file in sorted({outline.folder / ".env", *_env_files(raw, outline)}):
        entries = dotenv.read(_text(file))[0]
        yield from ((entry.name, dotenv.value_of(entry)) for entry in entries)
    for secret in _secrets(raw):
        if isinstance(name := secret.get("file"), str):
            for file in _meant(name, outline):
                yield A_SECRET, _text(file)


def _env_files(raw: Positions, outline: Outline) -> Iterator[Path]:
    for texts in parts.written_env_files(raw).values():
        for text in texts:
            yield from _meant(text, outline)
    for service in _services(raw.data):
        for volume in service.get("volumes") or ():
            source = volume.get("source") if isinstance(volume, dict) else str(volume).partition(":")[0]
            if isinstance(source, str) and re.search(r"(^|/)\.env|\.env$", source):
                yield from _meant(source, outline)


def _meant(written: str, outline: Outline) -> Iterator[Path]:
    """The files that a path in the Compose file may name: one for each environment, any for another variable."""
    for environment in outline.environments:
        text = re.sub(r"\$\{CELADON_ENV[^}]*\}|\$CELADON_ENV\b", environment, written)
        pattern = VARIABLE.sub("*", text)
        if "*" not in pattern:
            yield outline.folder / pattern
        elif not Path(pattern).is_absolute():
            with suppress(ValueError, OSError):
                yield from outline.folder.glob(pattern)


def _secrets(raw: Positions) -> Iterator[Mapping[str, Any]]:
    given = raw.data.get("secrets")
    yield from (one for one in (given if isinstance(given, dict) else {}).values() if isinstance(one, dict))


def _from_the_shell(raw: Positions | None) -> Iterator[str]:
    """Variables whose values become secrets of builds and of services, or tokens of Celadon's own."""
    yield from TOKENS
    if raw:
        yield from (str(secret["environment"]) for secret in _secrets(raw) if secret.get("environment"))


def _text(file: Path) -> str:
    """A regular file's text, "" for anything else."""
    with suppress(OSError, ValueError):
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as data:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return data.read(LARGEST).decode(errors="replace")
    return ""


def _addresses(configs: Iterable[EnvironmentConfig], renderings: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Where messages go and sources come from: logins and tokens in addresses, those of messages whole."""
    notified = [one.url.get_secret_value() for config in configs for one in config.notify.values()]
    sources = [s.options.git.url for config in configs for s in config.services.values() if s.options.git]
    for rendering in renderings:
        celadon = unescaped(rendering.get("x-celadon") or {})
        for part in (celadon, *(celadon.get("environments") or {}).values()):
            notified += [text for text in _texts(part.get("notify")) if "://" in text]
        sources += [text for one in _services(rendering) for text in _texts((one.get("x-celadon") or {}).get("git"))]
    for address in notified:
        yield address
        yield from (piece for piece in re.split(r"[/:@?&=#]+", address)[1:] if len(piece) >= 8 and "." not in piece)
    for address in filter(None, (*notified, *sources)):
        yield from (part for part in login_parts(address) if part and part != "git")
