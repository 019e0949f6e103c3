"""Making the server equal to the record: environment document, router, tags. Everything here may run twice."""

import shutil
import time
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

import yaml

from celadon.adapters import certificates, compose, docker, nginx
from celadon.config.positions import Loader
from celadon.errors import CeladonError, CommandError
from celadon.locale import _
from celadon.plan import confinement, render, routing, tags
from celadon.plan.network import Network
from celadon.plan.render import Placed
from celadon.plan.steps import Candidate
from celadon.run import router_image, secret_files
from celadon.run.world import World
from celadon.state import encryption, evidence
from celadon.state.snapshot import ROUTER, Built, Container, Live, Release

Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
DRAIN_MARGIN = 5.0  # seconds: nginx ends its old workers at worker_shutdown_timeout, not before
HEADER = "# Written by Celadon: what runs in this environment. Edit the workspace's compose file, not this one.\n"


class _Plain(Dumper):  # type: ignore[misc]  # the C one, where there is one
    """Writes shared values out in full: an anchor in a file that people read is a riddle."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def to_yaml(document: Mapping[str, object]) -> str:
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


CHOICES = 5  # subnets that are tried for a new network


def network(world: World) -> Network:
    """The environment's network. Raises CeladonError before the environment was ever prepared."""
    subnet = world.record.subnet(world.config.name)
    if subnet is None:
        raise CeladonError(
            _("The environment {environment} was never started.").format(environment=world.config.name),
            hint=f"celadon up {world.config.name}",
        )
    return Network(IPv4Network(subnet))


def make_network(world: World, *, anew: bool) -> None:
    """Make the environment's network where there is none; `anew`: with a subnet that the engine finds free now."""
    name = world.config.network
    if world.record.subnet(world.config.name) is not None and docker.has_network(name):
        return
    for left in reversed(range(CHOICES if anew else 1)):
        if anew:
            world.record.set_subnet(world.config.name, str(docker.free_subnet(f"{name}_choice")))
        made, marks = network(world), render.network_labels(world.config)
        try:
            docker.make_network(name, str(made.subnet), str(made.dynamic), str(made.gateway), marks)
            break
        except CommandError:  # somebody else of this host, a Compose perhaps, was given the same subnet meanwhile
            if not left:
                raise


def place(world: World, candidate: Candidate) -> Placed:
    """A kept release in a slot. Raises CeladonError when its frozen document is gone."""
    environment = world.config.name
    file = world.layout.release(environment, candidate.service, candidate.release)
    key = (environment, candidate.service, candidate.release)
    release = next((r for r in world.record.releases() if (r.environment, r.service, r.id) == key), None)
    if release is None or not file.exists():
        raise CeladonError(
            _("{service}: the frozen release {release} is gone from {file}.").format(
                service=candidate.service, release=candidate.release, file=file
            ),
            hint=_("See what is kept: celadon releases {environment}").format(environment=environment),
        )
    number = world.record.place(environment, candidate.service, candidate.slot)
    address = str(network(world).address(number))
    document = yaml.load(encryption.read(world.layout, file), Loader)  # noqa: S506 (a safe loader)
    secrets = secret_files.write(file.parent / "secrets", document["services"][candidate.service])
    return Placed(release, candidate.slot, address, document, secrets)


def live_candidates(world: World) -> dict[str, Candidate]:
    """What the record has as live here, by service."""
    found = {}
    for (environment, service), live in world.record.live().items():
        if environment == world.config.name:
            found[service] = Candidate(service, live.release, live.slot)
    return found


def write_environment(world: World, candidates: Sequence[Candidate] = ()) -> compose.Document:
    """Write the environment document: what is live, and `candidates` beside it; returns it."""
    standing = list(dict.fromkeys([*live_candidates(world).values(), *candidates]))
    placed = [place(world, one) for one in standing]
    router = str(world.layout.router(world.config.name))
    image = router_image.of(world).id
    secrets = world.layout.secrets(world.config.name)
    for name, definition in world.config.backing.items():
        secret_files.write(secrets / name, definition)
    document = render.environment_document(world.config, network(world), placed, router, image, str(secrets))
    file, text = world.layout.compose(world.config.name), HEADER + to_yaml(document)
    encryption.write(world.layout, file, text)
    return compose.Document(file, text if world.layout.key else None)


def kept_environment(world: World) -> compose.Document:
    """The environment document as it was written last."""
    file = world.layout.compose(world.config.name)
    return compose.Document(file, encryption.read(world.layout, file) if world.layout.key else None)


def router_text(world: World, changes: Mapping[str, Live | None]) -> str:
    """The router's configuration for what is live, with `changes` on top (None: not live)."""
    standing = live_candidates(world)
    for service, live in changes.items():
        standing.pop(service, None)
        if live:
            standing[service] = Candidate(service, live.release, live.slot)
    placed = [place(world, one) for one in standing.values()]
    copy = certificate(world)
    names = certificates.names(world.layout.router(world.config.name) / f"{copy}.pem") if copy else ()
    return nginx.render(
        routing.routing(world.config, network(world), placed, copy, names),
        router_image.of(world).numbers,
        world.config.template,
    )


def router_container(world: World) -> Container | None:
    """The environment's running router."""
    found = docker.containers(world.config.workspace)
    mine = [c for c in found if (c.environment, c.role) == (world.config.name, ROUTER) and c.running]
    return mine[0] if mine else None


def certificate(world: World) -> str:
    """The name of the certificate in the router's folder, "" without TLS; a renewed one is taken up, and has its own.

    A rollback works with the copy when the workspace's own file is gone.
    """
    tls = world.config.options.tls
    if tls is None:
        return ""
    folder = world.config.folder
    return nginx.keep_certificate(world.layout.router(world.config.name), folder / tls.certificate, folder / tls.key)


def name_images(world: World, candidates: Sequence[Candidate]) -> None:
    """Let each release's own tag name its image, whatever happened to the tag since."""
    images = docker.images()
    for candidate in candidates:
        release = place(world, candidate).release
        if images.get(release.image) != release.image_id:
            docker.tag(release.image_id, release.image)


def test_router(world: World, changes: Mapping[str, Live | None]) -> None:
    """Let nginx test the configuration with `changes`; what is in force is not touched."""
    _stage(world, router_text(world, changes), router_container(world))


def _stage(world: World, text: str, router: Container | None) -> None:
    settings = world.config.settings.router
    nginx.stage(
        world.layout.router(world.config.name), text, router=router.id if router else None,
        sandbox=router_image.sandbox(world), rights=confinement.router_rights(world.config),
        network="host" if settings.on_host else "none",
    )  # fmt: skip


def switch_router(world: World, *, restarts: bool = False) -> bool:
    """Let the router do what the record says; returns whether anything had to change.

    `restarts`: its container is about to be made anew and reads the configuration when it starts. It is tested in a
    container with the restrictions that the new one gets; then call `nginx.told`.
    """
    folder = world.layout.router(world.config.name)
    text = router_text(world, {})
    if nginx.in_force(folder, text) and not restarts:
        return False
    if nginx.is_adrift(folder):
        nginx.set_adrift(folder)
    router = None if restarts or nginx.is_adrift(folder) else router_container(world)
    if restarts or not nginx.staged(folder, text):
        _stage(world, text, router)
    nginx.adopt(folder)
    if router:
        nginx.reload(router.id, router.pid)
    if not restarts:
        nginx.told(folder)
    return True


def renew_router(world: World) -> None:
    """Make the router's container anew, since the folder that it mounts was lost: about a second without answers.

    It served its users with what it had read before; but it would take no other configuration, nor start again.
    """
    compose.up(write_environment(world), world.config.project, [ROUTER], force=True)
    nginx.moored(world.layout.router(world.config.name))


def move_tags(world: World, services: Sequence[str]) -> None:
    """Let `:ENVIRONMENT` and `:rollback` point where the record says."""
    wanted = tags.wanted(world.config.settings, world.record.live(), world.record.releases(), services)
    images = docker.images()
    for name, image_id in wanted.items():
        if image_id is None and name in images:
            docker.untag([name])
        elif image_id is not None and image_id in images and images.get(name) != image_id:
            docker.tag(image_id, name)


def wait_for_drain(world: World, seconds: float) -> None:
    """Return when the router's old workers have finished, after `seconds` and a margin at the latest."""
    router = router_container(world)
    end = time.monotonic() + seconds + DRAIN_MARGIN
    while router and not nginx.drained(router.pid) and time.monotonic() < end:
        time.sleep(0.05)


def forget(world: World, releases: Sequence[Release], built: Sequence[Built] = ()) -> None:
    """Drop releases with their documents, and images, and their tags where nothing else bears the name."""
    for image in built:
        world.record.builds.remove(image.service, image.id)
    for release in releases:
        world.record.remove_release(release.environment, release.service, release.id)
        shutil.rmtree(world.layout.release(release.environment, release.service, release.id).parent, ignore_errors=True)
    docker.untag(sorted({*(r.image for r in releases), *(b.image for b in built)} - named_images(world)))
    evidence.prune(world.layout, {*recorded_images(world).values()})


def named_images(world: World) -> set[str]:
    """The image tags that the record still speaks of."""
    return {*recorded_images(world)}


def recorded_images(world: World) -> dict[str, str]:
    """The ids of the images that the record speaks of, by tag: what was built, pulled or tested under it."""
    known: list[Release | Built] = [*world.record.releases(), *world.record.builds.images()]
    return {one.image: one.image_id for one in known}
