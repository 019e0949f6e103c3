"""Plans of `up` and `down`: a whole environment started, or taken away."""

from celadon.config.workspace import EnvironmentConfig
from celadon.plan import common, steps
from celadon.plan.steps import Plan
from celadon.state.snapshot import ROUTER, Snapshot


def plan_up(config: EnvironmentConfig, snapshot: Snapshot) -> Plan:
    """Network, backing services and router, and then everything that the record has as live."""
    moved = common.router_moved(config, snapshot)
    prepare = steps.Prepare((*config.backing, ROUTER), restarts_router=moved)
    return Plan("up", config.name, tuple(config.backing), (prepare, steps.Heal(config.name)))


def plan_down(config: EnvironmentConfig, *, volumes: bool) -> Plan:
    """Everything of the environment stopped and removed; with `volumes` also its data, releases and tags."""
    return Plan("down", config.name, (), (steps.TearDown(config.name, volumes),), protected=True)
