"""The image of an environment's router: resolved once to an id, which stays whatever becomes of the tag."""

import json
from dataclasses import asdict, dataclass

from celadon.adapters import docker, nginx
from celadon.adapters.sandbox import Sandbox
from celadon.errors import CeladonError, CommandError
from celadon.locale import _
from celadon.plan import render
from celadon.run.retrying import patiently
from celadon.run.world import World
from celadon.state import snapshot as labels
from celadon.state.layout import write_private


@dataclass(frozen=True)
class RouterImage:
    """`reference` is what the file says, `id` what that named when it was noted, `version` nginx's: "1.30.0"."""

    reference: str
    id: str
    version: str

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split(".") if part)


def of(world: World) -> RouterImage:
    """The image that was noted; the first time that of the router that runs, else what the reference names now.

    An image that the engine has not is pulled. Raises CeladonError where that fails.
    """
    return note(world, _id(world))


def _id(world: World) -> str:
    reference = world.config.settings.router.image
    kept = _kept(world)
    if kept and kept.reference == reference and docker.has_image(kept.id):
        return kept.id
    return _running(world) or _obtained(world, reference)


def note(world: World, image_id: str) -> RouterImage:
    """Let `image_id` be what the reference in the file stands for in this environment."""
    reference = world.config.settings.router.image
    kept = _kept(world)
    if kept and (kept.reference, kept.id) == (reference, image_id):
        return kept
    if kept and kept.reference == reference:
        world.report.note(
            _("The router image {reference} changed from {before} to {now}.").format(
                reference=reference, before=kept.id, now=image_id
            )
        )
    made = RouterImage(reference, image_id, _version(world, image_id))
    write_private(world.layout.router_image(world.config.name), json.dumps(asdict(made)))
    (world.layout.router(world.config.name) / "version").unlink(missing_ok=True)  # where older versions kept it
    return made


def _version(world: World, image_id: str) -> str:
    try:
        return ".".join(map(str, nginx.version(_sandbox(world, image_id))))
    except CommandError as error:
        raise CeladonError(
            _("nginx does not run in the router image {image}.").format(image=image_id),
            evidence=error.tail[-5:] or [error.message],
            hint=_("Set x-celadon.router.image to an nginx image (now {reference}).").format(
                reference=world.config.settings.router.image
            ),
        ) from None


def sandbox(world: World) -> Sandbox:
    """Where commands of Celadon's own run: in the router's image, whatever nginx that has."""
    return _sandbox(world, _id(world))


def _sandbox(world: World, image_id: str) -> Sandbox:
    marks = {
        **render.network_labels(world.config),
        labels.FOLDER: str(world.config.folder),
        labels.ROLE: labels.HELPER,
    }
    return Sandbox(image_id, f"{world.config.project}-helper", marks)


def _kept(world: World) -> RouterImage | None:
    try:
        return RouterImage(**json.loads(world.layout.router_image(world.config.name).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _running(world: World) -> str:
    """The image of a router that was made for what the file says, "" without one."""
    wanted = render.router_fingerprint(world.config)
    return next(
        (
            c.image_id
            for c in docker.containers(world.config.workspace)
            if (c.environment, c.role, c.fingerprint) == (world.config.name, labels.ROUTER, wanted)
            and docker.has_image(c.image_id)
        ),
        "",
    )


def _obtained(world: World, reference: str) -> str:
    if not docker.has_image(reference):
        limit = world.config.settings.build.timeout
        try:
            patiently(lambda: docker.pull(reference, limit, world.report.log), labels.ROUTER, world.report.note)
        except CommandError as error:
            raise CeladonError(
                _("Cannot pull the router image {reference}.").format(reference=reference),
                evidence=error.tail[-5:] or [error.message],
                hint=error.hint or _("Is the registry reached, and are you logged in? docker login"),
            ) from None
    return docker.image_id(reference)
