"""Steps on a whole environment: what its services stand on, healed, taken away."""

import shutil

from celadon.adapters import compose, docker, host, nginx
from celadon.config.values import Listen
from celadon.errors import CeladonError, CommandError, RefusedError
from celadon.locale import _
from celadon.plan import steps
from celadon.run import projection, rendering, router_image
from celadon.run.reconcile import reconcile
from celadon.run.retrying import patiently
from celadon.run.world import World
from celadon.state import evidence
from celadon.state import snapshot as labels
from celadon.state.snapshot import Container


def prepare(world: World, step: steps.Prepare) -> None:
    """Network, backing services and router; the router starts with a configuration that nginx has tested."""
    router = projection.router_container(world)
    _refuse_another_network(world, router)
    if step.router_image:
        router_image.note(world, step.router_image)
    projection.make_network(world, anew=True)
    refuse_taken_ports(world, router)
    projection.switch_router(world, restarts=step.restarts_router)
    document = projection.write_environment(world)
    backing = [name for name in step.names if name != labels.ROUTER]
    try:
        if backing:  # their images may have to be pulled, and so may the router's
            patiently(lambda: compose.up(document, world.config.project, backing, wait=True), ", ".join(backing),
                      world.report.note)  # fmt: skip
        if labels.ROUTER in step.names:
            patiently(lambda: _start_router(world, restarts=step.restarts_router), labels.ROUTER, world.report.note)
    except CommandError as error:
        raise CeladonError(
            _("The environment {environment} did not start.").format(environment=world.config.name),
            evidence=error.tail[-8:] or [error.message],
            hint=error.hint or _("Look at it: celadon logs {environment}").format(environment=world.config.name),
        ) from None
    if world.record.rendering(world.config.name) is None:
        rendering.adopt(world)  # `down` must know what there is, even if nothing is ever deployed to it


def _start_router(world: World, *, restarts: bool) -> None:
    folder = world.layout.router(world.config.name)
    if restarts and nginx.is_adrift(folder):
        projection.renew_router(world)
        return
    compose.up(projection.kept_environment(world), world.config.project, [labels.ROUTER], recreate=restarts)
    nginx.moored(folder)
    nginx.told(folder)


def unprepare(world: World, step: steps.Prepare) -> None:
    """What was started stays, it harms nobody; the router has again the doors and the configuration that it had.

    `up` adopts its own before it waits for anybody's health: those stay.
    """
    if world.record.rendering(world.config.name) is None:
        return
    before = rendering.in_force(world)
    switched = projection.switch_router(before)
    restarts = step.restarts_router and not rendering.is_adopted(world)
    if restarts:
        compose.up(projection.write_environment(before), world.config.project, [labels.ROUTER], recreate=True)
    if switched or restarts:
        world.report.note(_("the router does again what it did"))


def _refuse_another_network(world: World, router: Container | None) -> None:
    """Running services know the router by an address that it would no longer have."""
    if router and bool(router.address) == world.config.settings.router.on_host:
        name = world.config.name
        raise RefusedError(
            _("x-celadon.router.network cannot change while {environment} runs.").format(environment=name),
            hint=f"celadon down {name} && celadon up {name}",
        )


def refuse_taken_ports(world: World, mine: Container | None) -> None:
    """Say who holds a port, before the engine says only that somebody does; `mine` is the router that runs."""
    options = world.config.options
    doors = [*options.listen, *(options.tls.listen if options.tls else ())]
    on_host, folder = world.config.settings.router.on_host, world.layout.router(world.config.name)
    if on_host:
        gateway = str(projection.network(world).gateway)
        doors += [Listen(gateway, s.options.port) for s in world.config.services.values() if s.options.port]
    for listen in doors:
        if host.can_listen(listen.address, listen.port):
            continue
        if on_host and mine and (nginx.is_adrift(folder) or nginx.listens_on(folder, str(listen))):
            continue  # adrift: what says which doors are its own was lost; it is about to be made anew
        container = docker.port_holder(listen.port)
        if mine and container == mine.name:
            continue
        who = _("the container {name}").format(name=container) if container else host.port_holder(listen.port)
        raise RefusedError(
            _("Port {port} of {environment} is taken by {who}.").format(
                port=listen, environment=world.config.name, who=who or _("a process of another user")
            ),
            hint=_("Stop it, or change x-celadon.environments.{environment}.listen").format(
                environment=world.config.name
            ),
        )


def heal(world: World, step: steps.Heal) -> None:
    rendering.adopt(world)
    for line in reconcile(world):
        world.report.detail(line)


def tear_down(world: World, step: steps.TearDown) -> None:
    file = world.layout.compose(step.environment)
    if not file.exists() and world.record.subnet(step.environment):
        projection.write_environment(world)  # it was lost; without it the volumes would stay
    if file.exists():
        compose.down(projection.kept_environment(world), world.config.project, volumes=step.volumes)
    left = [c for c in docker.containers(world.config.workspace) if c.environment == step.environment]
    docker.remove([c.id for c in left])
    try:
        docker.remove_network(world.config.network)
    except CommandError as refusal:  # somebody else's container is in it
        world.report.note(_("The network {name} stays: {problem}").format(
            name=world.config.network, problem=refusal.message))  # fmt: skip
    if step.volumes:
        _forget_environment(world, step.environment)


def _forget_environment(world: World, environment: str) -> None:
    """Drop an environment's releases and tags; images that were built go with the last environment."""
    record, layout = world.record, world.layout
    before = {r.image for r in record.releases()}
    services = sorted({r.service for r in record.releases() if r.environment == environment})
    record.forget_environment(environment)
    projection.move_tags(world, services)
    if not record.live():
        for built in record.builds.images():
            record.builds.remove(built.service, built.id)
            before.add(built.image)
    docker.untag(sorted(before - projection.named_images(world)))
    evidence.prune(layout, {*projection.recorded_images(world).values()})
    for folder in (layout.environment(environment), layout.router(environment), layout.releases(environment)):
        shutil.rmtree(folder, ignore_errors=True)
