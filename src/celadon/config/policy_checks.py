"""Rules of `policy` that need the disk: who may sign, and what scans, is the operator's, never a service's source."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from celadon.config.checks import there
from celadon.config.model import WorkspaceOptions
from celadon.config.policy import Policy, is_below
from celadon.config.positions import Key, Positions
from celadon.config.workspace import Service
from celadon.errors import Problem
from celadon.locale import _

Path_ = tuple[Key, ...]


def problems(raw: Positions, settings: WorkspaceOptions, services: Mapping[str, Service]) -> Iterator[Problem]:
    """What is wrong with the files that policies name."""
    contexts = [
        Path(str(build["context"]))
        for s in services.values()
        if (build := s.definition.get("build")) and build.get("context")
    ]
    yield from _of_policy(raw, settings.policy, ("x-celadon", "policy"), contexts)
    for name, options in settings.environments.items():
        if options.policy:
            yield from _of_policy(raw, options.policy, ("x-celadon", "environments", name, "policy"), contexts)


def _of_policy(raw: Positions, policy: Policy, path: Path_, contexts: Collection[Path]) -> Iterator[Problem]:
    home = raw.file.parent
    named: list[tuple[Path_, Path]] = []
    if policy.signed and policy.signed.ssh:
        named.append(((*path, "signed", "ssh"), file := home / policy.signed.ssh))
        if not there(file.is_file):
            yield raw.problem(named[-1][0], _("there is no file {file}").format(file=policy.signed.ssh))
    if policy.signed and policy.signed.openpgp:
        named.append(((*path, "signed", "openpgp"), folder := home / policy.signed.openpgp))
        if not there(folder.is_dir):
            yield raw.problem(named[-1][0], _("there is no folder {folder}").format(folder=policy.signed.openpgp))
    for key, command in (("scan", policy.scan), ("sbom", policy.sbom)):
        if command and "/" in command[0]:
            named.append(((*path, key), home / command[0]))
    for where, file in named:
        if any(is_below(file, context) for context in contexts):
            words = _("is in the source of a service: anyone who can push to it could change it; move it elsewhere")
            yield raw.problem(where, words)
