"""celadon history: what was done here."""

from pathlib import Path

import click

from celadon.app import looking
from celadon.app.workspace import Workspace
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _
from celadon.locale.words import called
from celadon.state import record as outcomes

GOOD = (outcomes.SUCCEEDED, *outcomes.OPEN)


@click.command("history", help=_("What was deployed, promoted and rolled back, by whom, and how it ended."))
@arguments.environment_or_all
@click.option("-n", "limit", default=20, type=arguments.NUMBER, show_default=True, help=_("How many."))
@click.option("--show", "number", type=arguments.NUMBER, metavar="NUMBER", help=_("The steps of one deployment."))
@arguments.as_json
@click.pass_obj
def command(folder: Path, environment: str | None, limit: int, number: int | None, as_json: bool) -> None:
    workspace = open_workspace(folder)
    if number is not None:
        _one(workspace, number, as_json=as_json)
        return
    found = looking.history(workspace, environment, limit)
    if as_json:
        output.as_json([vars(d) for d in found])
        return
    heads = ["#", _("STARTED"), _("VERB"), _("ENVIRONMENT"), _("SERVICES"), _("BY"), _("OUTCOME"), _("MESSAGE")]
    output.table(heads, [
        [str(d.id), d.started[:19].replace("T", " "), d.verb, d.environment, " ".join(d.services), d.by,
         _outcome(d.outcome), d.message]
        for d in found
    ])  # fmt: skip


def _outcome(name: str) -> str:
    return called(name) if name in GOOD else f"!{called(name)}"


def _one(workspace: Workspace, number: int, *, as_json: bool) -> None:
    deployment, steps, log = looking.deployment(workspace, number)
    if as_json:
        output.as_json({**vars(deployment), "steps": [vars(s) for s in steps], "log": str(log)})
        return
    output.table(["#", _("STEP"), _("SECONDS"), _("OUTCOME")], [
        [str(s.number), s.text, f"{s.seconds:.1f}" if s.seconds is not None else "-",
         _outcome(s.outcome)]
        for s in steps
    ])  # fmt: skip
    output.lines([deployment.message] if deployment.message else [])
    output.lines(f"  {line}" for line in deployment.evidence)
    output.lines([_("log: {file}").format(file=log)])
