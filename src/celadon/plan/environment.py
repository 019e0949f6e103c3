"""Plans of `up` and `down`: a whole environment started, or taken away."""

from celadon.config.workspace import EnvironmentConfig
from celadon.plan import common, steps
from celadon.plan.steps import Plan
from celadon.state.snapshot import ROUTER, Snapshot


def plan_up(config: EnvironmentConfig, snapshot: Snapshot) -> Plan:
    """Network, backing services and router, and then everything that the record has as live, until it is healthy."""
    outdated = common.router_outdated(config, snapshot)
    restarts = common.router_moved(config, snapshot) or bool(outdated)
    image = snapshot.image_named(config.settings.router.image)
    live = tuple(steps.Candidate(service, now.release, now.slot)
                 for (environment, service), now in snapshot.live.items() if environment == config.name)  # fmt: skip
    road: tuple[steps.Step, ...] = (
        steps.Prepare((*config.backing, ROUTER), restarts_router=restarts, router_image=image),
        steps.Heal(config.name),
    )
    if live:
        road += (steps.ProbeInside(live),)
    return Plan("up", config.name, tuple(config.backing), road, notes=tuple(outdated))


def plan_down(config: EnvironmentConfig, *, volumes: bool) -> Plan:
    """Everything of the environment stopped and removed; with `volumes` also its data, releases and tags."""
    return Plan("down", config.name, (), (steps.TearDown(config.name, volumes),), protected=True)
