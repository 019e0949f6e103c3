"""Building an image: a commit is exported, built under the cap, apart from other services' builds, and recorded."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from celadon.adapters import build_inputs, buildx, compose, docker, git_export
from celadon.errors import CeladonError, RefusedError
from celadon.locale import _, ngettext
from celadon.plan import steps
from celadon.plan.build_isolation import cache_flags, source_policy
from celadon.run import build_network, capping, exported_dockerfile, provenance
from celadon.run.building import Building
from celadon.run.retrying import patiently
from celadon.run.world import World, utc_now
from celadon.state import evidence
from celadon.state import snapshot as labels

SECRET = "CELADON_SECRET_"  # noqa: S105 (where the names of variables begin)
POINTERS_SHOWN = 5


def build(world: World, step: steps.Build) -> None:
    """Build the image of a service, and keep where it comes from. Raises RefusedError, BuildError."""
    _refuse_unknown_keys(step)
    folder, begun = world.layout.checkout(step.built.service), utc_now().isoformat()
    metadata = folder.with_name(f"{step.built.service}.metadata.json")
    world.record.builds.begin(step.built)
    try:
        _export(world, step, folder)
        dockerfile = exported_dockerfile.checked(step, folder)
        with capping.capped(world) as cap, build_network.isolated(world, step.built.service, step.definition):
            _run(world, step, folder, dockerfile, (*cap, "--metadata-file", str(metadata)))
        resolved = provenance.of_file(metadata)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        metadata.unlink(missing_ok=True)
    image_id = docker.image_id(step.built.image)
    address = provenance.address(world.layout.workspace / step.source.repository)
    statement = provenance.statement(step, image_id, resolved, address, (begun, utc_now().isoformat()))
    evidence.keep(world.layout, image_id, evidence.PROVENANCE, statement)
    world.record.builds.add(replace(step.built, image_id=image_id))


def _refuse_unknown_keys(step: steps.Build) -> None:
    unknown = sorted(step.definition.keys() - buildx.KNOWN)
    if unknown:
        raise RefusedError(
            _("{service}: Celadon cannot build with {keys} in `build`.").format(
                service=step.built.service, keys=", ".join(unknown)
            )
        )


def _export(world: World, step: steps.Build, folder: Path) -> None:
    service, source = step.built.service, step.source
    build_inputs.refuse_pushed_links(service, step.definition, world.layout.workspace)
    inputs = build_inputs.of_commit(service, source.commit, source.context, step.definition)
    pointers = git_export.export(world.layout.workspace / source.repository, inputs, folder)
    _warn_of_pointers(world, service, pointers)


def _run(world: World, step: steps.Build, folder: Path, dockerfile: str, flags: Sequence[str]) -> None:
    service, source = world.config.services[step.built.service], step.source
    marks = {labels.WORKSPACE: world.config.workspace, labels.SERVICE: service.name, labels.COMMIT: source.commit}
    flags = (*flags, *cache_flags(world.config.workspace, service, dockerfile))
    context, secrets = folder / source.context, _build_secrets(world)
    words = buildx.argv(step.definition, context, step.built.image, marks, secrets, flags)
    values = {**_secret_values(world, step), **provenance.METADATA}
    patiently(lambda: _build_once(world, step, words, values), service.name, world.report.note)


def _warn_of_pointers(world: World, service: str, pointers: Sequence[str]) -> None:
    if pointers:
        words = ngettext(
            "{service}: {n} file is built as a Git LFS pointer, without its content: {files}. Install git-lfs "
            "on this server (git lfs install).",
            "{service}: {n} files are built as Git LFS pointers, without their content: {files}. Install "
            "git-lfs on this server (git lfs install).",
            len(pointers),
        )
        world.report.note(words.format(service=service, n=len(pointers), files=", ".join(pointers[:POINTERS_SHOWN])))


def _build_once(world: World, step: steps.Build, words: Sequence[str], secrets: Mapping[str, str]) -> None:
    service, limit = step.built.service, world.config.settings.build.timeout
    policy = source_policy(world.config, world.config.services[service], docker.named_images())
    with Building(world, service, buildx.arguments(step.definition)) as building:
        buildx.build(words, step.definition, service, limit, world.report.log, building.step, secrets, policy)


def _build_secrets(world: World) -> dict[str, str]:
    """Where BuildKit's client finds each secret; its variables have names that no build argument has."""
    return {
        name: f"src={secret['file']}" if "file" in secret else f"env={SECRET}{name}"
        for name, secret in world.config.secrets.items()
    }


def _secret_values(world: World, step: steps.Build) -> dict[str, str]:
    """The variables of those secrets that the build is given, as Compose sees them: in the shell or in `.env`.

    Raises CeladonError for one that is not set: Buildx would hand over an empty secret, even where it is required.
    """
    used = {str(secret["source"]) for secret in step.definition.get("secrets") or []}
    names = {name: secret["environment"] for name, secret in world.config.secrets.items()
             if name in used and "environment" in secret}  # fmt: skip
    if not names:
        return {}
    given = compose.values_of(names, world.config.folder)
    for name, value in given.items():
        if not value:
            raise CeladonError(
                _("{service}: the build secret {name} has no value: {variable} is not set.").format(
                    service=step.built.service, name=name, variable=names[name]
                ),
                hint=_("Set it in the shell, or in a file .env beside compose.yaml (mode 0600)."),
            )
    return {f"{SECRET}{name}": value for name, value in given.items()}
