"""celadon install-rights: who may deploy to one environment only."""

from pathlib import Path

import click

from celadon.adapters import sudo
from celadon.app import audit, rights
from celadon.cli import output
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.command(
    "install-rights",
    help=_("Allow the members of a Unix group (`deployers` of an environment) to deploy to that environment only, "
           "through sudo and without the docker group (root access). Rights that are no longer in the file are "
           "revoked."),
)  # fmt: skip
@click.option("--print", "only_print", is_flag=True, help=_("Print the files without installing them."))
@click.pass_obj
def command(folder: Path, only_print: bool) -> None:
    workspace = open_workspace(folder)
    name = workspace.outline.name
    grants = rights.grants(workspace)
    if only_print:
        click.echo(f"# {sudo.rules_file(name)}\n{sudo.rules(name, grants)}", nl=False)
        for one in grants:
            click.echo(f"\n# {sudo.program_file(name, one.environment)}\n{one.text}", nl=False)
        return
    sudo.refuse_strangers()
    with audit.act(workspace.layout, "install-rights", output.notice, environments=[g.environment for g in grants]):
        written = sudo.install(name, grants)
    output.lines(_("Written: {file}").format(file=file) for file in written)
    for one in grants:
        words = _("Members of {group} deploy with: sudo -u {user} {program} deploy {environment}")
        program = sudo.program_file(name, one.environment)
        output.lines([words.format(group=one.group, user=one.user, program=program, environment=one.environment)])
    if not grants:
        output.lines([_("No environment sets `deployers`, so no rights are granted.")])
