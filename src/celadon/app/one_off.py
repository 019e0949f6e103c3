"""A command beside what is live."""

from collections.abc import Sequence

from celadon.adapters import docker
from celadon.app import audit
from celadon.app.configs import kept_config
from celadon.app.workspace import Workspace
from celadon.config.workspace import choose
from celadon.errors import UsageError
from celadon.locale import _
from celadon.run import one_off
from celadon.run.report import Report
from celadon.run.world import World


def run(
    workspace: Workspace, environment: str, service: str, argv: Sequence[str], report: Report, *, terminal: bool
) -> int:
    """Run `argv` as the service's live release would, in a container of its own; returns its code.

    Raises UsageError where nothing is live, or the environment is down.
    """
    name = workspace.outline.environment(environment)
    config = kept_config(workspace, name)
    choose(service, [s for (of, s) in workspace.record.live() if of == name], _("live service"))
    if not docker.has_network(config.network):
        raise UsageError(_("{environment} is down.").format(environment=name), hint=f"celadon up {name}")
    world = World(config, workspace.layout, workspace.record, report)
    with audit.command(workspace.layout, "env run", report.note, name, service, argv) as said:
        code = said["code"] = one_off.run(world, service, argv, terminal=terminal)
        return code
