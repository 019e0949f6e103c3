"""The road from a frozen release to a stopped old one, in the order that protects users."""

from collections.abc import Sequence

from celadon.config.workspace import EnvironmentConfig
from celadon.plan import retire, steps
from celadon.plan.admission import Turns
from celadon.plan.common import Arrival, Departure
from celadon.plan.steps import Frozen, Step
from celadon.state.snapshot import Snapshot


def whole(
    config: EnvironmentConfig,
    snapshot: Snapshot,
    turns: Turns,
    frozen: Sequence[Frozen],
    departures: Sequence[Departure] = (),
) -> tuple[Step, ...]:
    """Each turn whole, from its candidates to its stopped old slots; what departs leaves with the last one.

    At the end goes what nothing needs any more.
    """
    made: list[Step] = []
    for number, arrivals in enumerate(turns, 1):
        names = {a.release.service for a in arrivals}
        leaving = departures if number == len(turns) else ()
        made += _turn(config, arrivals, [f for f in frozen if f.release.service in names], leaving)
    if departures and not turns:
        made += _turn(config, (), (), departures)
    releases, built = retire.surplus(
        config.name, config.settings.keep, snapshot, [a.release for turn in turns for a in turn]
    )
    for departure in departures:
        gone, unused = retire.departed(config.name, departure.service, snapshot)
        releases, built = (*releases, *gone), (*built, *unused)
    if releases or built:
        made.append(steps.Retire(releases, built))
    if made:
        made.append(steps.CleanUp((config.name,)))
    return tuple(made)


def _turn(
    config: EnvironmentConfig,
    arrivals: Sequence[Arrival],
    frozen: Sequence[Frozen],
    departures: Sequence[Departure],
) -> list[Step]:
    """freeze → tasks → start → probe → commit → switch → verify → drain → stop.

    Everything before the commit can be undone without a user noticing; nothing that users still reach is stopped
    before the router's old workers have finished with it.
    """
    candidates = tuple(a.candidate for a in arrivals)
    moves = (*(a.move for a in arrivals), *(d.move for d in departures))
    names = tuple(m.service for m in moves)
    routed = any(_has_port(config, name) for name in names)
    way: list[Step] = []
    if frozen:
        way.append(steps.Freeze(tuple(frozen)))
    way += [steps.RunTask(a.candidate, a.task) for a in arrivals if a.task]
    stopped = tuple(a.leaving for a in arrivals if a.replace and a.leaving)
    way += [steps.StopFirst(one) for one in stopped]
    if candidates:
        way.append(steps.Start(candidates))
    if routed:
        way.append(steps.TestRouter(moves))
    if candidates:
        way.append(steps.ProbeInside(candidates))
    way.append(steps.Commit(moves, stopped))
    if routed:
        way.append(steps.Switch(names))
    way.append(steps.Retag(names))
    if candidates:
        way.append(steps.Verify(candidates, config.options.watch))
    leaving = (*(a.leaving for a in arrivals if a.leaving), *(d.leaving for d in departures))
    if leaving and routed:
        way.append(steps.Drain(config.options.drain))
    if leaving:
        way.append(steps.Stop(leaving))
    return way


def _has_port(config: EnvironmentConfig, name: str) -> bool:
    service = config.services.get(name)
    return service is None or service.options.port is not None
