"""What each step does, and how it is undone: one function a step, looked up by its type. Here: candidates and users."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from celadon.adapters import compose, docker
from celadon.config.model import ServiceOptions
from celadon.errors import CeladonError, CommandError
from celadon.locale import _
from celadon.plan import policy_steps, steps
from celadon.plan.render import Placed
from celadon.plan.steps import Candidate, Step
from celadon.run import cleaning, environment, image_build, images, inspection, probe, projection, rendering, signatures
from celadon.run.world import World
from celadon.state import snapshot as labels
from celadon.state.snapshot import TASK, Move

TASK_LIMIT = 1800.0


# Task, candidates


def run_task(world: World, step: steps.RunTask) -> None:
    document = projection.write_environment(world, [step.candidate])
    marks = {labels.ROLE: TASK}
    tail: list[str] = []

    def line(text: str) -> None:
        tail.append(text)
        world.report.log(text)

    try:
        compose.run_once(document, world.config.project, str(step.candidate), step.command, labels=marks,
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
    document = projection.write_environment(world, step.candidates)
    try:
        compose.up(document, world.config.project, [str(c) for c in step.candidates])
    except CommandError as error:
        raise CeladonError(
            _("The candidates cannot be started."),
            evidence=error.tail[-8:],
            hint=_("What runs was not touched. The Compose file that was used: {file}").format(file=document.file),
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
    return ServiceOptions.of_kept(placed.document["services"][placed.release.service].get("x-celadon") or {})


def _inside_path(options: ServiceOptions) -> str:
    health = options.health.path if options.health else "/"
    return health if options.strip_prefix else _public_path(options)


def _public_path(options: ServiceOptions) -> str:
    return (options.route or "").rstrip("/") + (options.health.path if options.health else "/")


# Commit, switch, verify


def test_router(world: World, step: steps.TestRouter) -> None:
    if world.config.settings.router.on_host:
        router = projection.router_container(world)
        environment.refuse_taken_ports(world, router)  # `nginx -t` does not mind a port that is taken
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


Action = Callable[[World, Any], None]  # each takes the step of its own key

DO: Mapping[type[Step], Action] = {
    policy_steps.VerifySignatures: signatures.verify,
    steps.Prepare: environment.prepare,
    steps.Build: image_build.build,
    steps.Pull: images.pull,
    policy_steps.Scan: inspection.scan,
    policy_steps.KeepSbom: inspection.keep_sbom,
    steps.Freeze: images.freeze,
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
    steps.Retire: images.retire,
    steps.CleanUp: cleaning.clean_up,
    steps.Heal: environment.heal,
    steps.TearDown: environment.tear_down,
}

UNDO: Mapping[type[Step], Action] = {
    steps.Prepare: environment.unprepare,
    steps.Freeze: images.unfreeze,
    steps.RunTask: remove_task,
    steps.StopFirst: start_again,
    steps.Start: remove_candidates,
    steps.Commit: flip_back,
}
