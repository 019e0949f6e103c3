"""celadon plan VERB: what a verb would do."""

from pathlib import Path

import click

from celadon.app import configs
from celadon.app.request import Request
from celadon.cli import arguments
from celadon.cli.acting import carry_out
from celadon.cli.arguments import Manner
from celadon.cli.opening import open_workspace
from celadon.locale import _


@click.group("plan", help=_("Show what deploy, promote or rollback would do; nothing is changed."))
def command() -> None:
    pass


@command.command("deploy", help=_("What a deploy would do."))
@arguments.several(arguments.environment, arguments.services, arguments.ref, arguments.force, arguments.as_json)
@click.pass_obj
def deploy(folder: Path, environment: str, services: tuple[str, ...], ref: str, force: bool, as_json: bool) -> int:
    request = Request("deploy", environment, services, ref=ref, force=force)
    return carry_out(folder, request, Manner(dry_run=True, as_json=as_json))


@command.command("promote", help=_("What a promote would do."))
@arguments.several(arguments.services, arguments.to_environment, arguments.as_json)
@click.pass_obj
def promote(folder: Path, services: tuple[str, ...], to: str, as_json: bool) -> int:
    environment = configs.target_of_promote(open_workspace(folder), to)
    return carry_out(folder, Request("promote", environment, services), Manner(dry_run=True, as_json=as_json))


@command.command("rollback", help=_("What a rollback would do."))
@arguments.several(arguments.environment, arguments.services, arguments.to_release, arguments.as_json)
@click.pass_obj
def rollback(folder: Path, environment: str, services: tuple[str, ...], to: str, as_json: bool) -> int:
    request = Request("rollback", environment, services, to=to)
    return carry_out(folder, request, Manner(dry_run=True, as_json=as_json))
