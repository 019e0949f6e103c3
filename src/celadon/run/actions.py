"""What each step does, and how it is undone: one function a step, looked up by its type."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit

from celadon.adapters import buildx, compose, docker, git, host, nginx
from celadon.config.model import ServiceOptions
from celadon.config.values import Listen
from celadon.errors import CeladonError, CommandError, RefusedError
from celadon.locale import _
from celadon.plan import steps
from celadon.plan.render import RELEASE_KEY, Placed
from celadon.plan.steps import Candidate, Step
from celadon.run import capping, probe, projection, rendering
from celadon.run.reconcile import reconcile
from celadon.run.retrying import patiently
from celadon.run.world import World
from celadon.state import snapshot as labels
from celadon.state.layout import write_private
from celadon.state.snapshot import TASK, Move

TASK_LIMIT = 1800.0


# Prepare


def prepare(world: World, step: steps.Prepare) -> None:
    """Network, backing services and router; the router starts with a configuration that nginx has tested."""
    _refuse_another_network(world)
    projection.make_network(world, anew=True)
    _refuse_taken_ports(world)
    projection.switch_router(world)
    file = projection.write_environment(world)
    backing = [name for name in step.names if name != labels.ROUTER]
    try:
        if backing:
            compose.up(file, world.config.project, backing, wait=True)
        if labels.ROUTER in step.names:
            compose.up(file, world.config.project, [labels.ROUTER], recreate=step.restarts_router)
    except CommandError as error:
        raise CeladonError(
            _("The environment {environment} did not start.").format(environment=world.config.name),
            evidence=error.tail[-8:],
            hint=_("Look at it: celadon logs {environment}").format(environment=world.config.name),
        ) from None
    if world.record.rendering(world.config.name) is None:
        rendering.adopt(world)  # `down` must know what there is, even if nothing is ever deployed to it


def unprepare(world: World, step: steps.Prepare) -> None:
    """What was started stays, it harms nobody; the router has again the doors and the configuration that it had."""
    if world.record.rendering(world.config.name) is None:
        return
    before = rendering.in_force(world)
    switched = projection.switch_router(before)
    if step.restarts_router:
        compose.up(projection.write_environment(before), world.config.project, [labels.ROUTER], recreate=True)
    if switched or step.restarts_router:
        world.report.note(_("the router does again what it did"))


def _refuse_another_network(world: World) -> None:
    """Running services know the router by an address that it would no longer have."""
    router = projection.router_container(world)
    if router and bool(router.address) == world.config.settings.router.on_host:
        name = world.config.name
        raise RefusedError(
            _("x-celadon.router.network cannot change while {environment} runs.").format(environment=name),
            hint=f"celadon down {name} && celadon up {name}",
        )


def _refuse_taken_ports(world: World) -> None:
    """Say who holds a port, before the engine says only that somebody does."""
    mine, options = projection.router_container(world), world.config.options
    doors = [*options.listen, *(options.tls.listen if options.tls else ())]
    on_host = world.config.settings.router.on_host
    if on_host:
        gateway = str(projection.network(world).gateway)
        doors += [Listen(gateway, s.options.port) for s in world.config.services.values() if s.options.port]
    for listen in doors:
        if host.can_listen(listen.address, listen.port):
            continue
        if on_host and mine and nginx.listens_on(world.layout.router(world.config.name), str(listen)):
            continue
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


# Build, pull, freeze


def build(world: World, step: steps.Build) -> None:
    service, source = step.built.service, step.source
    _refuse_foreign_tag(world, service)
    folder = world.layout.checkout(service)
    git.export(world.layout.workspace / source.repository, source.commit, folder)
    marks = {labels.WORKSPACE: world.config.workspace, labels.SERVICE: service, labels.COMMIT: source.commit}
    unknown = sorted(step.definition.keys() - buildx.KNOWN)
    if unknown:
        raise RefusedError(
            _("{service}: Celadon cannot build with {keys} in `build`.").format(
                service=service, keys=", ".join(unknown)
            )
        )
    try:
        with capping.capped(world) as group:
            words = buildx.argv(
                step.definition, folder / source.context, step.built.image, marks, _build_secrets(world), group
            )
            limit, report = world.config.settings.build.timeout, world.report
            once = lambda: buildx.build(words, step.definition, service, limit, report.log, report.detail)  # noqa: E731
            patiently(once, service, report.note)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    world.record.add_built(replace(step.built, image_id=docker.image_id(step.built.image)))


def _build_secrets(world: World) -> dict[str, str]:
    return {
        name: f"src={secret['file']}" if "file" in secret else f"env={secret.get('environment', name)}"
        for name, secret in world.config.secrets.items()
    }


def _refuse_foreign_tag(world: World, service: str) -> None:
    """Two workspaces of one host may both have a service of this name; their image tags must not mix."""
    for environment in world.config.settings.environments:
        owner = docker.image_labels(f"{service}:{environment}").get(labels.WORKSPACE)
        if owner and owner != world.config.workspace:
            raise RefusedError(
                _("The image tag {tag} belongs to the workspace {owner}.").format(
                    tag=f"{service}:{environment}", owner=owner
                ),
                hint=_("Give the service {service} another name in one of the two.").format(service=service),
            )


def pull(world: World, step: steps.Pull) -> None:
    _refuse_foreign_tag(world, step.built.service)
    try:
        limit = world.config.settings.build.timeout
        patiently(lambda: docker.pull(step.reference, limit, world.report.log), step.built.service, world.report.note)
    except CommandError as error:
        raise CeladonError(
            _("{service}: {reference} cannot be pulled.").format(service=step.built.service, reference=step.reference),
            evidence=error.tail[-5:],
            hint=_("Is the registry reached, and are you logged in? docker login"),
        ) from None
    docker.tag(step.reference, step.built.image)
    docker.untag([step.reference])  # the digest's own name would keep the image for ever
    world.record.add_built(replace(step.built, image_id=docker.image_id(step.built.image)))


def freeze(world: World, step: steps.Freeze) -> None:
    found = docker.image_ids([frozen.image for frozen in step.releases])
    for frozen, image_id in zip(step.releases, found, strict=True):
        if frozen.release.image_id not in ("", image_id):
            raise RefusedError(
                _("{service}: the tag {image} no longer names the image that was tested.").format(
                    service=frozen.release.service, image=frozen.image
                ),
                evidence=[f"{frozen.release.image_id} → {image_id}"],
                hint=_("Somebody moved the tag. Deploy the service again."),
            )
        release = replace(frozen.release, image_id=image_id)
        if frozen.image != release.image:
            docker.tag(frozen.image, release.image)
        file = world.layout.release(release.environment, release.service, release.id)
        write_private(file, projection.to_yaml({**frozen.document, RELEASE_KEY: asdict(release)}))
        world.record.add_release(release)


def unfreeze(world: World, step: steps.Freeze) -> None:
    projection.forget(world, [frozen.release for frozen in step.releases])


# Task, candidates


def run_task(world: World, step: steps.RunTask) -> None:
    file = projection.write_environment(world, [step.candidate])
    marks = {labels.ROLE: TASK}
    tail: list[str] = []

    def line(text: str) -> None:
        tail.append(text)
        world.report.log(text)

    try:
        compose.run_once(file, world.config.project, str(step.candidate), step.command, labels=marks,
                         timeout=TASK_LIMIT, on_line=line)  # fmt: skip
    except CommandError as error:
        raise CeladonError(
            _("{service}: the release command `{command}` failed with code {code}; nothing was changed.").format(
                service=step.candidate.service, command=" ".join(step.command), code=error.code
            ),
            evidence=tail[-15:],
            hint=_("Mend it and deploy again."),
        ) from None


def remove_task(world: World, step: steps.RunTask) -> None:
    """A command that does not listen to SIGTERM goes on in the engine when its client is gone."""
    found = docker.containers(world.config.workspace)
    mine = (TASK, world.config.name, step.candidate.service)
    docker.remove([c.id for c in found if (c.role, c.environment, c.service) == mine])


def stop_first(world: World, step: steps.StopFirst) -> None:
    docker.stop(_container_names(world, [step.candidate]))


def start_again(world: World, step: steps.StopFirst) -> None:
    docker.start(_container_names(world, [step.candidate]))


def start(world: World, step: steps.Start) -> None:
    docker.remove(_container_names(world, step.candidates))
    projection.name_images(world, step.candidates)
    file = projection.write_environment(world, step.candidates)
    try:
        compose.up(file, world.config.project, [str(c) for c in step.candidates])
    except CommandError as error:
        raise CeladonError(
            _("The candidates cannot be started."),
            evidence=error.tail[-8:],
            hint=_("What runs was not touched. The Compose file that was used: {file}").format(file=file),
        ) from None


def remove_candidates(world: World, step: steps.Start) -> None:
    docker.remove(_container_names(world, step.candidates))
    projection.write_environment(rendering.in_force(world))


def _container_names(world: World, candidates: Sequence[Candidate]) -> list[str]:
    wanted = {(c.service, c.slot) for c in candidates}
    return [
        c.id
        for c in docker.containers(world.config.workspace)
        if (c.role, c.environment) == (labels.IN_SLOT, world.config.name) and (c.service, c.slot) in wanted
    ]


def probe_inside(world: World, step: steps.ProbeInside) -> None:
    public = urlsplit(world.config.options.url).netloc
    questions = {}
    for candidate in step.candidates:
        placed = projection.place(world, candidate)
        options = _options(placed)
        if options.health and options.port:
            questions[candidate.service] = probe.Question(
                candidate.service, placed.address, options.port, _inside_path(options), options.host or public,
                options.health.timeout, options.health.good, options.health.within,
            )  # fmt: skip
    watch = probe.Watch(world.config.workspace, world.config.name, step.candidates)
    probe.inside(watch, step.candidates, questions, world.report.detail)


def _options(placed: Placed) -> ServiceOptions:
    return ServiceOptions.model_validate(placed.document["services"][placed.release.service].get("x-celadon") or {})


def _inside_path(options: ServiceOptions) -> str:
    health = options.health.path if options.health else "/"
    return health if options.strip_prefix else _public_path(options)


def _public_path(options: ServiceOptions) -> str:
    return (options.route or "").rstrip("/") + (options.health.path if options.health else "/")


# Commit, switch, verify


def test_router(world: World, step: steps.TestRouter) -> None:
    if world.config.settings.router.on_host:
        _refuse_taken_ports(world)  # `nginx -t` does not mind a port that is taken
    projection.test_router(world, {move.service: move.after for move in step.moves})


def commit(world: World, step: steps.Commit) -> None:
    rendering.adopt(world, step.moves)


def flip_back(world: World, step: steps.Commit) -> None:
    """Users get back what they had; requests under way on the new release may finish."""
    backward = [Move(m.service, m.after, m.before, forward=False) for m in step.moves]
    before = rendering.give_back(world, backward)
    if step.stopped:  # never two at once of what was replaced
        services = {c.service for c in step.stopped}
        new = [Candidate(m.service, m.after.release, m.after.slot)
               for m in step.moves if m.after and m.service in services]  # fmt: skip
        names = _container_names(world, new)
        docker.stop(names)
        docker.remove(names)
        docker.start(_container_names(world, step.stopped))
    projection.switch_router(before)
    projection.move_tags(before, [m.service for m in step.moves])
    projection.wait_for_drain(before, before.config.options.drain)


def switch(world: World, step: steps.Switch) -> None:
    projection.switch_router(world)


def retag(world: World, step: steps.Retag) -> None:
    projection.move_tags(world, step.services)


def verify(world: World, step: steps.Verify) -> None:
    watch = probe.Watch(world.config.workspace, world.config.name, step.candidates)
    questions = [q for c in step.candidates if (q := _outside_question(world, c))]
    probe.outside(watch, questions, step.seconds, world.report.detail)


def _outside_question(world: World, candidate: Candidate) -> probe.Question | None:
    """What a user would ask, sent to the router's own door on this host: names and addresses outside it are not
    Celadon's to judge."""
    options = _options(projection.place(world, candidate))
    if options.route is None or options.health is None:
        return None
    environment = world.config.options
    tls = environment.tls
    door = tls.listen[0] if tls and tls.redirect else environment.listen[0]
    public = urlsplit(environment.url).netloc
    return probe.Question(
        candidate.service, door.reachable_at, door.port, _public_path(options), options.host or public,
        options.health.timeout, options.health.good, options.health.within, secure=bool(tls and tls.redirect),
    )  # fmt: skip


# Drain, stop, retire


def drain(world: World, step: steps.Drain) -> None:
    projection.wait_for_drain(world, step.seconds)


def stop(world: World, step: steps.Stop) -> None:
    names = _container_names(world, step.candidates)
    docker.stop(names)
    docker.remove(names)
    projection.write_environment(world)


def retire(world: World, step: steps.Retire) -> None:
    for one in step.built:
        world.record.remove_built(one.service, one.id)
    projection.forget(world, step.releases)
    docker.untag(sorted({b.image for b in step.built} - projection.named_images(world)))


# A whole environment


def heal(world: World, step: steps.Heal) -> None:
    rendering.adopt(world)
    for line in reconcile(world):
        world.report.detail(line)


def tear_down(world: World, step: steps.TearDown) -> None:
    file = world.layout.compose(step.environment)
    if file.exists():
        compose.down(file, world.config.project, volumes=step.volumes)
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
        for built in record.built():
            record.remove_built(built.service, built.id)
            before.add(built.image)
    docker.untag(sorted(before - projection.named_images(world)))
    for folder in (layout.environment(environment), layout.router(environment), layout.releases(environment)):
        shutil.rmtree(folder, ignore_errors=True)


Action = Callable[[World, Any], None]  # each takes the step of its own key

DO: Mapping[type[Step], Action] = {
    steps.Prepare: prepare,
    steps.Build: build,
    steps.Pull: pull,
    steps.Freeze: freeze,
    steps.RunTask: run_task,
    steps.StopFirst: stop_first,
    steps.Start: start,
    steps.TestRouter: test_router,
    steps.ProbeInside: probe_inside,
    steps.Commit: commit,
    steps.Switch: switch,
    steps.Retag: retag,
    steps.Verify: verify,
    steps.Drain: drain,
    steps.Stop: stop,
    steps.Retire: retire,
    steps.Heal: heal,
    steps.TearDown: tear_down,
}

UNDO: Mapping[type[Step], Action] = {
    steps.Prepare: unprepare,
    steps.Freeze: unfreeze,
    steps.RunTask: remove_task,
    steps.StopFirst: start_again,
    steps.Start: remove_candidates,
    steps.Commit: flip_back,
}
