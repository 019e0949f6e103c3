"""The lint of what a team brings. It opens no record and needs no engine: it runs in a checkout and in CI as well."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters import process
from celadon.adapters.drafts import Draft
from celadon.adapters.foreign_files import UnsafeFile, checkout_of, read_inside
from celadon.app import configs
from celadon.check import allowing, envfiles, folders, mending, pins, rules, warned
from celadon.check.facts import ENV, ERROR, Facts, Finding
from celadon.check.look import env_files, look, of_files
from celadon.config.outline import find_file, load_outline
from celadon.config.positions import read
from celadon.config.workspace import EnvironmentConfig, Outline
from celadon.errors import ConfigError, RefusedError
from celadon.locale import _, ngettext
from celadon.plan.steps import Build, Plan


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
    broken = {file.path for file in seen.env_files if envfiles.broken(file)}
    broken |= {path for paths in seen.env_of.values() for path in paths} - {file.path for file in seen.env_files}
    try:
        seen = look(seen, _rendered(outline, chosen, _without(seen, broken)), buildkit=buildkit)
    except ConfigError:
        if not broken:
            raise
    found = _kept(seen)
    several = mending.remedies(seen, found)
    return Checked(tuple(mending.marked(found, several)), tuple(one.draft for one in several))


def _kept(seen: Facts) -> list[Finding]:
    """What the rules find, less what comments allow; of a policy they allow nothing."""
    found = rules.findings(seen)
    return sorted({*allowing.kept(found, _texts(seen, found), seen.file), *pins.enforced(seen)})


def of_plan(config: EnvironmentConfig, plan: Plan) -> tuple[Finding, ...]:
    """What is wrong with what a plan of `build` or `deploy` brings: of Dockerfiles as the commits have them, and of the
    files that its services read. Nothing is rendered again, and no engine is asked.
    """
    if plan.verb not in ("build", "deploy") or not plan.steps or not plan.concerned:
        return ()
    raw = read(config.file)
    sources = {step.built.service: step.source for step in plan.steps if isinstance(step, Build)}
    seen = of_files(env_files(raw, [config.name]), [config], folders.committed(raw, config, sources))
    found = [one for one in _kept(seen) if one.concerns(plan.concerned)]
    if plan.verb == "build":
        found = [one for one in found if one.rule.startswith("dockerfile/") or one.rule in warned.SHOWN]
    return tuple(found)


def refuse(findings: Sequence[Finding], environment: str) -> None:
    """Raises RefusedError where there are errors among the findings."""
    errors = [one for one in findings if one.severity == ERROR]
    if errors:
        words = ngettext("`check` finds {n} error in what would be brought to {environment}; nothing was changed.",
                         "`check` finds {n} errors in what would be brought to {environment}; nothing was changed.",
                         len(errors))  # fmt: skip
        raise RefusedError(
            words.format(n=len(errors), environment=environment),
            evidence=[f"{one.place}: {one.what} ({one.rule}): {one.why}" for one in errors],
            hint=_("celadon check {environment} says how to mend it. What is meant to be so is allowed by a comment in "
                   "the line above it (of a key, at the top of the compose file): # celadon: allow {rule}. "
                   "Builds take commits: commit and push it.").format(
                       environment=environment, rule=errors[0].rule),
        )  # fmt: skip


def _without(seen: Facts, broken: set[str]) -> dict[str, str]:
    """For each environment, a Compose file on top of the team's that leaves out the env files that cannot be read."""
    texts: dict[str, str] = {}
    for (environment, service), paths in seen.env_of.items():
        if broken.intersection(paths):
            left = [path for path in paths if path not in broken]
            entry = f"  {json.dumps(service)}:\n    env_file: !override {json.dumps(left)}\n"
            texts[environment] = texts.get(environment, "services:\n") + entry
    return texts


def _rendered(outline: Outline, names: Sequence[str], overrides: Mapping[str, str]) -> list[EnvironmentConfig]:
    """All environments; the problems of all of them together, where there are any."""

    def one(name: str) -> EnvironmentConfig | ConfigError:
        try:
            return configs.read(outline, name, overrides.get(name, ""))
        except ConfigError as error:
            return error

    found = process.side_by_side(one, names)
    errors = [error for error in found if isinstance(error, ConfigError)]
    if errors:
        raise ConfigError(list(dict.fromkeys(problem for error in errors for problem in error.problems)))
    return [config for config in found if isinstance(config, EnvironmentConfig)]


def _texts(seen: Facts, found: Iterable[Finding]) -> dict[str, str]:
    """The files that have findings, for the comments in them; "" for those that have none, such as keys."""
    silent = [one.file for one in seen.keys] + [one.file for one in seen.unsafe]
    silent += [one.file for one in seen.strays if one.kind != ENV]
    builds = {build.file: build.text for build in seen.builds if build.path and build.text is not None}
    known = dict.fromkeys(silent, "") | builds | {file.file: file.text for file in seen.env_files}
    others = {one.file for one in found if one.file} - {*known} | {seen.file}
    home = seen.raw.file.parent
    paths = {name: Path(name).absolute() for name in others}
    for name, path in paths.items():
        with suppress(UnsafeFile):  # it has no comments that could be read
            known[name] = (read_inside(checkout_of(home, path), path) or b"").decode(errors="replace")
    return known
