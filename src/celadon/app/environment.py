"""Starting and stopping a whole environment."""

import shutil

from celadon.adapters import compose, docker
from celadon.app.acting import Request, carried_out, heal, kept_config, locked
from celadon.app.workspace import Workspace
from celadon.config.load import load_environment
from celadon.config.workspace import EnvironmentConfig
from celadon.plan.render import router_fingerprint
from celadon.plan.steps import Plan, Prepare
from celadon.run import observe, projection
from celadon.run.report import Report
from celadon.run.world import World, utc_now
from celadon.state import snapshot as labels


def up(workspace: Workspace, environment: str, report: Report) -> None:
    """Start an environment: network, backing services, router, and everything that the record has as live."""
    docker.require()
    name = workspace.outline.environment(environment)
    config = load_environment(workspace.outline.file, name, compose.render)
    request = Request("up", name)
    with locked(workspace, request, config, report):
        seen = observe.snapshot(workspace.record, config.workspace, utc_now())
        router = next((c for c in seen.of_role(name, labels.ROUTER) if c.running), None)
        moved = router is not None and router.fingerprint != router_fingerprint(config)
        step = Prepare((*config.backing, labels.ROUTER), restarts_router=moved)
        carried_out(workspace, request, config, Plan("up", name, tuple(config.backing), (step,)), report)
        heal(workspace, config, report)


def down(workspace: Workspace, environment: str, report: Report, *, volumes: bool) -> None:
    """Stop and remove an environment's containers and network; with `volumes` also its data, releases and tags.

    Without `volumes` the record stays, and `up` brings back what was live.
    """
    docker.require()
    name = workspace.outline.environment(environment)
    config = kept_config(workspace, name)
    with locked(workspace, Request("down", name), config, report):
        compose.down(workspace.layout.compose(name), config.project, volumes=volumes)
        left = [c for c in docker.containers(config.workspace) if c.environment == name]
        docker.remove([c.id for c in left])
        if volumes:
            _forget(workspace, config)


def _forget(workspace: Workspace, config: EnvironmentConfig) -> None:
    record, layout, name = workspace.record, workspace.layout, config.name
    before = {r.image for r in record.releases()}
    services = sorted({r.service for r in record.releases() if r.environment == name})
    record.forget_environment(name)
    projection.move_tags(World(config, layout, record, _Silent()), services)
    kept = {r.image for r in record.releases()}
    for built in record.built():
        if built.image not in kept and not record.live():
            record.remove_built(built.service, built.id)
            before.add(built.image)
    kept |= {b.image for b in record.built()}
    docker.untag(sorted(before - kept))
    for folder in (layout.environment(name), layout.router(name), layout.root / "releases" / name):
        shutil.rmtree(folder, ignore_errors=True)


class _Silent:
    """A report that nobody reads."""

    def started(self, number: int, total: int, text: str) -> None: ...
    def ended(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def failed(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def detail(self, text: str) -> None: ...
    def note(self, text: str) -> None: ...
    def log(self, text: str) -> None: ...
