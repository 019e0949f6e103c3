"""The lint of what a team brings. It opens no record and needs no engine: it runs in a checkout and in CI as well."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters import process
from celadon.adapters.drafts import Draft
from celadon.app import configs
from celadon.check import allowing, envfiles, mending, rules
from celadon.check.facts import Facts, Finding
from celadon.check.look import env_files, look
from celadon.config.outline import find_file, load_outline
from celadon.config.positions import read
from celadon.config.workspace import EnvironmentConfig, Outline
from celadon.errors import ConfigError


@dataclass(frozen=True)
class Checked:
    """What is wrong, and the drafts that would mend those findings whose `fix` is set."""

    findings: tuple[Finding, ...]
    drafts: tuple[Draft, ...]


def check(folder: Path, names: Sequence[str], *, buildkit: bool = False) -> Checked:
    """What is wrong with the workspace's files, for the environments `names` (all without any), by file and line.

    With `buildkit`, its own lint is asked as well, which needs the engine and may ask registries.

    Raises UsageError for an unknown environment, ConfigError for files that cannot be read.
    """
    outline = load_outline(find_file(folder))
    chosen = tuple(outline.environment(name) for name in names) or outline.environments
    seen = env_files(read(outline.file), chosen)
    try:
        seen = look(seen, _rendered(outline, chosen), buildkit=buildkit)
    except ConfigError:
        if not any(envfiles.broken(file) for file in seen.env_files):
            raise
    found = _kept(seen)
    several = mending.remedies(seen, found)
    return Checked(tuple(mending.marked(found, several)), tuple(one.draft for one in several))


def _kept(seen: Facts) -> list[Finding]:
    """What the rules find, less what comments allow."""
    found = rules.findings(seen)
    return allowing.kept(found, _texts(seen, found), seen.file)


def _rendered(outline: Outline, names: Sequence[str]) -> list[EnvironmentConfig]:
    """All environments; the problems of all of them together, where there are any."""

    def one(name: str) -> EnvironmentConfig | ConfigError:
        try:
            return configs.read(outline, name)
        except ConfigError as error:
            return error

    found = process.side_by_side(one, names)
    errors = [error for error in found if isinstance(error, ConfigError)]
    if errors:
        raise ConfigError(list(dict.fromkeys(problem for error in errors for problem in error.problems)))
    return [config for config in found if isinstance(config, EnvironmentConfig)]


def _texts(seen: Facts, found: Iterable[Finding]) -> dict[str, str]:
    """The files that have findings, for the comments in them; keys have no comments."""
    builds = {build.file: build.text for build in seen.builds if build.path and build.text is not None}
    known = {file.file: "" for file in seen.keys} | builds | {file.file: file.text for file in seen.env_files}
    others = {one.file for one in found if one.file} - {*known} | {seen.file}
    return known | {name: Path(name).read_text(errors="replace") for name in others if Path(name).is_file()}
