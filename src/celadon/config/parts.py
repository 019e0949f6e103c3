"""Parts of the file that are needed before its env files are there: where secrets come from, and which files they are.

Compose refuses the whole file while an env file is missing; it interpolates these parts all the same.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from celadon.config import complaints, shape
from celadon.config.interpolation import unescaped
from celadon.config.positions import Positions
from celadon.config.secrets import Secrets
from celadon.config.workspace import choose
from celadon.errors import CommandError, ConfigError, Problem, UsageError
from celadon.locale import _

# (a Compose document, the workspace's folder, variables to add) -> what `docker compose config` makes of it.
Interpolate = Callable[[Mapping[str, Any], Path, Mapping[str, str]], Mapping[str, Any]]

_FALLBACK = re.compile(r"\$\{CELADON_ENV:?-([a-z0-9-]+)\}")


def environment_names(raw: Positions) -> tuple[str, ...]:
    """The environments, and what the names of env files fall back to without one: `${CELADON_ENV:-development}`."""
    named = list((raw.data.get("x-celadon") or {}).get("environments") or {})
    fallbacks = [
        found for texts in written_env_files(raw).values() for text in texts for found in _FALLBACK.findall(text)
    ]
    return tuple(dict.fromkeys([*map(str, named), *fallbacks]))


def secrets(raw: Positions, environment: str, interpolate: Interpolate) -> Secrets:
    """Where the variables of `environment` come from: its own `secrets`, or those of all.

    Raises ConfigError for what cannot be used, UsageError where nothing says it.
    """
    places = (("x-celadon", "environments", environment, "secrets"), ("x-celadon", "secrets"))
    path = next((place for place in places if _at(raw.data, place) is not None), None)
    if path is None:
        raise UsageError(
            _("Nothing says where the variables of {environment} come from.").format(environment=environment),
            hint=_("Name it: {example}").format(example="x-celadon.secrets: {doppler: {project: shop}}"),
        )
    given = _at(_made(raw, _nested(path, _at(raw.data, path)), environment, interpolate), path)
    problems: list[Problem] = []
    found = shape.parse(Secrets, given, raw, path, problems)
    if found is None:
        raise ConfigError(problems)
    return found


def env_files(raw: Positions, environment: str, interpolate: Interpolate) -> tuple[Path, ...]:
    """The env files that services read in `environment`, in the order of the file, whether they are there or not."""
    made = _made(raw, {"x-files": written_env_files(raw)}, environment, interpolate)["x-files"] or {}
    found = [raw.file.parent / text for service in written_env_files(raw) for text in made[service]]
    return tuple(dict.fromkeys(file.absolute() for file in found))


def own_file(raw: Positions, environment: str, interpolate: Interpolate, hint: str) -> Path:
    """The one env file that bears the environment's name. Raises UsageError, with `hint`, where none or several do."""
    every = env_files(raw, environment, interpolate)
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(environment)}(?![A-Za-z0-9])")
    found = [file for file in every if word.search(_short(raw, file))]
    if len(found) == 1:
        return found[0]
    words = _("No env file of {environment} bears its name; services read: {files}.")
    if found:
        words = _("Several env files bear the name of {environment}: {files}.")
    names = ", ".join(_short(raw, file) for file in found or every) or _("none")
    raise UsageError(words.format(environment=environment, files=names), hint=hint)


def chosen_file(raw: Positions, environment: str, name: str, interpolate: Interpolate) -> Path:
    """The env file of `environment` that is called `name`. Raises UsageError with the nearest one otherwise."""
    known = {_short(raw, file): file for file in env_files(raw, environment, interpolate)}
    meant = next((short for short, file in known.items() if file == Path(name).absolute()), name)
    return known[choose(meant, known, _("env file"))]


def written_env_files(raw: Positions) -> dict[str, list[str]]:
    """The env files of each service, as they are written."""
    services = raw.data.get("services")
    known = services if isinstance(services, dict) else {}
    return {str(name): list(_texts(one.get("env_file"))) for name, one in known.items() if isinstance(one, dict)}


def _texts(entries: Any) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else [entries]:
        text = entry.get("path") if isinstance(entry, dict) else entry
        if isinstance(text, str):
            yield text


def _made(raw: Positions, parts: Mapping[str, Any], environment: str, interpolate: Interpolate) -> Any:
    document = {"name": str(raw.data.get("name")), **parts}
    try:
        return unescaped(interpolate(document, raw.file.parent, {"CELADON_ENV": environment}))
    except CommandError as error:
        raise ConfigError([complaints.of_compose(raw, error)]) from None


def _at(data: Any, path: Sequence[str]) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _nested(path: Sequence[str], value: Any) -> Any:
    """A document with `value` at `path`: where Compose complains of it, it names the place in the team's file."""
    return {path[0]: _nested(path[1:], value)} if path else value


def _short(raw: Positions, file: Path) -> str:
    folder = raw.file.parent.absolute()
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
