"""Steps on images and releases: built, pulled, frozen, retired."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from celadon.adapters import build_inputs, buildx, compose, docker, git_export
from celadon.errors import CeladonError, CommandError, RefusedError
from celadon.locale import _, ngettext
from celadon.plan import steps
from celadon.plan.render import RELEASE_KEY
from celadon.run import capping, projection, provenance, signatures
from celadon.run.building import Building
from celadon.run.retrying import patiently
from celadon.run.world import World, utc_now
from celadon.state import evidence
from celadon.state import snapshot as labels
from celadon.state.layout import write_private

SECRET = "CELADON_SECRET_"  # noqa: S105 (where the names of variables begin)
POINTERS_SHOWN = 5


def build(world: World, step: steps.Build) -> None:
    service, source = step.built.service, step.source
    values = {**_secret_values(world, step), **provenance.METADATA}
    folder, begun = world.layout.checkout(service), utc_now().isoformat()
    metadata = folder.with_name(f"{service}.metadata.json")
    marks = {labels.WORKSPACE: world.config.workspace, labels.SERVICE: service, labels.COMMIT: source.commit}
    unknown = sorted(step.definition.keys() - buildx.KNOWN)
    if unknown:
        raise RefusedError(
            _("{service}: Celadon cannot build with {keys} in `build`.").format(
                service=service, keys=", ".join(unknown)
            )
        )
    build_inputs.refuse_pushed_links(service, step.definition, world.layout.workspace)
    inputs = build_inputs.of_commit(service, source.commit, source.context, step.definition)
    try:
        pointers = git_export.export(world.layout.workspace / source.repository, inputs, folder)
        _warn_of_pointers(world, service, pointers)
        with capping.capped(world) as held:
            words = buildx.argv(
                step.definition,
                folder / source.context,
                step.built.image,
                marks,
                _build_secrets(world),
                (*held, "--metadata-file", str(metadata)),
            )
            patiently(lambda: _build_once(world, step, words, values), service, world.report.note)
        told = provenance.of_file(metadata)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        metadata.unlink(missing_ok=True)
    image_id = docker.image_id(step.built.image)
    times = begun, utc_now().isoformat()
    address = provenance.address(world.layout.workspace / source.repository)
    evidence.keep(
        world.layout, image_id, evidence.PROVENANCE, provenance.statement(step, image_id, told, address, times)
    )
    world.record.builds.add(replace(step.built, image_id=image_id))


def _warn_of_pointers(world: World, service: str, pointers: Sequence[str]) -> None:
    if pointers:
        words = ngettext(
            "{service}: {n} file is built as a pointer of Git LFS, without its content: {files}. "
            "Install git-lfs on this server (git lfs install).",
            "{service}: {n} files are built as pointers of Git LFS, without their content: {files}. "
            "Install git-lfs on this server (git lfs install).",
            len(pointers),
        )
        world.report.note(words.format(service=service, n=len(pointers), files=", ".join(pointers[:POINTERS_SHOWN])))


def _build_once(world: World, step: steps.Build, words: Sequence[str], secrets: Mapping[str, str]) -> None:
    service, limit = step.built.service, world.config.settings.build.timeout
    with Building(world, service, buildx.arguments(step.definition)) as building:
        buildx.build(words, step.definition, service, limit, world.report.log, building.step, secrets)


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


def pull(world: World, step: steps.Pull) -> None:
    theirs = docker.has_image(step.reference)
    try:
        limit = world.config.settings.build.timeout
        patiently(lambda: docker.pull(step.reference, limit, world.report.log), step.built.service, world.report.note)
    except CommandError as error:
        raise CeladonError(
            _("{service}: {reference} cannot be pulled.").format(service=step.built.service, reference=step.reference),
            evidence=error.tail[-5:] or [error.message],
            hint=error.hint or _("Is the registry reached, and are you logged in? docker login"),
        ) from None
    docker.tag(step.reference, step.built.image)
    if not theirs:
        docker.untag([step.reference])  # the digest's own name would keep the image for ever
    world.record.builds.add(replace(step.built, image_id=docker.image_id(step.built.image)))


def freeze(world: World, step: steps.Freeze) -> None:
    found = docker.image_ids([frozen.image for frozen in step.releases])
    known = projection.recorded_images(world)
    for frozen, image_id in zip(step.releases, found, strict=True):
        expected = frozen.release.image_id or known.get(frozen.image, image_id)
        if image_id != expected:
            raise RefusedError(
                _("{service}: the tag {image} no longer names the image that was built or tested.").format(
                    service=frozen.release.service, image=frozen.image
                ),
                evidence=[f"{expected} → {image_id}"],
                hint=_("Somebody moved the tag. Deploy the service again."),
            )
        release = replace(frozen.release, image_id=image_id)
        if frozen.image != release.image:
            docker.tag(image_id, release.image)
        file = world.layout.release(release.environment, release.service, release.id)
        write_private(file, projection.to_yaml({**frozen.document, RELEASE_KEY: asdict(release)}))
        if frozen.signature and frozen.signature.repository:
            made = signatures.document(world.config, frozen.signature)
            evidence.keep(world.layout, image_id, evidence.SIGNATURE, made)
        world.record.add_release(release)


def unfreeze(world: World, step: steps.Freeze) -> None:
    projection.forget(world, [frozen.release for frozen in step.releases])


def retire(world: World, step: steps.Retire) -> None:
    projection.forget(world, step.releases, step.built)
