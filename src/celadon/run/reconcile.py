"""Healing: whatever a killed run left, the server becomes what the record says. Runs before every verb that acts."""

import shutil
from collections.abc import Iterable
from dataclasses import replace

from celadon.adapters import compose, docker, nginx
from celadon.errors import CeladonError, CommandError
from celadon.locale import _
from celadon.plan.steps import Candidate
from celadon.run import build_network, journal, observe, one_off, projection
from celadon.run.world import World
from celadon.state import record as outcomes
from celadon.state import snapshot as labels
from celadon.state.layout import Layout
from celadon.state.record import Deployment, Record
from celadon.state.snapshot import Container


def close_the_killed(record: Record, layout: Layout, now: str) -> tuple[Deployment, ...]:
    """Journal what became of deployments whose runner is gone; returns them as they are journalled now."""
    killed = [d for d in record.open() if not journal.alive(layout.events(d.id))]
    for deployment in killed:
        record.finish(deployment.id, outcomes.INTERRUPTED, "", now)
    return tuple(replace(d, outcome=outcomes.INTERRUPTED, finished=now) for d in killed)


def reconcile(world: World) -> tuple[str, ...]:
    """Make the environment equal to the record; returns what was done, one line each. The lock must be held.

    Order as in a deployment: what should run is started, then the router switched, and only then what users have left
    is removed. Only what they never reached ends before.
    """
    done = [*build_network.remove()]  # whoever holds the lock builds nothing now
    containers = docker.containers(world.config.workspace)
    observe.refuse_namesake(containers, world.layout, world.config.workspace)
    mine = [c for c in containers if c.environment == world.config.name]
    if helpers := [c for c in mine if c.role == labels.HELPER]:  # whoever holds the lock starts these one by one
        docker.remove([c.id for c in helpers])
        done += [_("removed the leftover helper container {name}").format(name=c.name) for c in helpers]
    routers = [c for c in mine if c.role == labels.ROUTER]
    if not routers:
        return tuple(done)  # the environment is down: `up` or the next deploy starts it
    folder = world.layout.router(world.config.name)
    if not any(c.running for c in routers) and not nginx.is_adrift(folder):
        docker.start([c.id for c in routers])
        done += [_("started {name}, which should run").format(name=c.name) for c in routers]
    live = projection.live_candidates(world)
    orphans = [c for c in mine if c.role == labels.TASK or (c.role == labels.IN_SLOT and not _in(c, live.values()))]
    orphans += one_off.left(world.layout, mine)
    missing = [c for c in live.values() if not _runs(mine, c)]
    if missing:
        _stop_in_their_place(world, missing, orphans)
        docker.remove([c.id for c in mine if c.role == labels.IN_SLOT and _in(c, missing)])
        projection.make_network(world, anew=False)
        _start_again(world, missing)
        done += [_("started {name}, which should run").format(name=c) for c in missing]
    if projection.switch_router(world):
        done.append(_("the router was given what the record says"))
    if nginx.is_adrift(folder):
        projection.renew_router(world)
        done.append(_("the router was made anew: the folder that it mounts was lost"))
    if orphans:
        projection.wait_for_drain(world, world.config.options.drain)  # a killed run may have switched just now
        docker.stop([c.id for c in orphans if c.running])
        docker.remove([c.id for c in orphans])
        projection.write_environment(world)
        done += [_("removed {name}, which nobody reaches").format(name=c.name) for c in orphans]
    one_off.forget_left(world.layout, world.config.name)
    projection.move_tags(world, list(live))
    return (*done, *_forget_what_never_served(world))


def _start_again(world: World, missing: Iterable[Candidate]) -> None:
    """Start what should run. Raises CeladonError where it cannot."""
    names, environment = [str(c) for c in missing], world.config.name
    try:
        compose.up(projection.write_environment(world), world.config.project, names)
    except CommandError as error:
        raise CeladonError(
            _("{names} should run and cannot be started.").format(names=", ".join(names)),
            evidence=error.tail[-8:] or [error.message],
            hint=error.hint
            or _("If an image is gone: celadon down {environment}; then deploy or promote again.").format(
                environment=environment
            ),
        ) from None


def _stop_in_their_place(world: World, missing: Iterable[Candidate], orphans: Iterable[Container]) -> None:
    """Stop candidates that nobody reaches before what they were to replace runs again: never two of a singleton."""
    services, folder = {m.service for m in missing}, world.layout.router(world.config.name)
    going = [c for c in orphans if c.running and c.service in services
             and not (c.address and nginx.leads_to(folder, c.address))]  # fmt: skip
    if going:
        projection.wait_for_drain(world, world.config.options.drain)
        docker.stop([c.id for c in going])


def _forget_what_never_served(world: World) -> list[str]:
    """Drop what a deployment made that never reached its commit: releases, documents, image tags, exported sources."""
    record, layout, environment = world.record, world.layout, world.config.name
    shutil.rmtree(layout.checkouts, ignore_errors=True)
    unborn = [r for r in record.releases() if r.environment == environment and not r.served]
    projection.forget(world, unborn)
    kept = {layout.release(r.environment, r.service, r.id) for r in record.releases()}
    for file in layout.every_release():
        if file not in kept:
            shutil.rmtree(file.parent, ignore_errors=True)
    gone = {r.image for r in unborn} | _untagged_of_builds_that_did_not_end(record)
    return [_("removed {name}, which never served").format(name=name) for name in sorted(gone)]


def _untagged_of_builds_that_did_not_end(record: Record) -> set[str]:
    """Untag what killed builds left; the record knows their names. A label of an image says nothing: anybody may have
    put it there, and this workspace's name as well.
    """
    begun = record.builds.begun()
    there = docker.images().keys() if begun else ()
    left = {built.image for built in begun if built.image in there}
    docker.untag(sorted(left))
    for built in begun:
        record.builds.remove(built.service, built.id)
    return left


def _runs(containers: list[Container], candidate: Candidate) -> bool:
    return any(
        c.running and (c.role, c.service, c.slot, c.release)
        == (labels.IN_SLOT, candidate.service, candidate.slot, candidate.release)
        for c in containers
    )  # fmt: skip


def _in(container: Container, candidates: Iterable[Candidate]) -> bool:
    return any((container.service, container.slot) == (c.service, c.slot) for c in candidates)
