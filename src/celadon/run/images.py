"""Steps on images and releases: pulled, frozen, retired."""

from dataclasses import asdict, replace

from celadon.adapters import docker
from celadon.errors import CeladonError, CommandError, RefusedError
from celadon.locale import _
from celadon.plan import steps
from celadon.plan.render import RELEASE_KEY
from celadon.run import projection, signatures
from celadon.run.retrying import patiently
from celadon.run.world import World
from celadon.state import encryption, evidence


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
    world.record.builds.begin(step.built)
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
                _("{service}: the tag {image} no longer points to the image that was built or tested.").format(
                    service=frozen.release.service, image=frozen.image
                ),
                evidence=[f"{expected} → {image_id}"],
                hint=_("Somebody moved the tag. Deploy the service again."),
            )
        release = replace(frozen.release, image_id=image_id)
        if frozen.image != release.image:
            docker.tag(image_id, release.image)
        file = world.layout.release(release.environment, release.service, release.id)
        encryption.write(world.layout, file, projection.to_yaml({**frozen.document, RELEASE_KEY: asdict(release)}))
        if frozen.signature and frozen.signature.repository:
            made = signatures.document(world.config, frozen.signature)
            evidence.keep(world.layout, image_id, evidence.SIGNATURE, made)
        world.record.add_release(release)


def unfreeze(world: World, step: steps.Freeze) -> None:
    projection.forget(world, [frozen.release for frozen in step.releases])


def retire(world: World, step: steps.Retire) -> None:
    projection.forget(world, step.releases, step.built)
