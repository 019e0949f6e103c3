"""celadon env check: what is wrong with env files alone."""

from dataclasses import asdict
from pathlib import Path

import click

from celadon.app import checking
from celadon.check.facts import ERROR
from celadon.cli import arguments, output
from celadon.cli.check import show
from celadon.errors import DONE, FAILED
from celadon.locale import _


@click.command(
    "check",
    short_help=_("What is wrong with env files."),
    help=_("What is wrong with env files: syntax, what one environment lacks, who may read them."),
)
@arguments.environments
@arguments.as_json
@click.pass_obj
def command(folder: Path, environments: tuple[str, ...], as_json: bool) -> int:
    found = [one for one in checking.check(folder, environments).findings if one.rule.startswith("env/")]
    output.as_json([asdict(finding) for finding in found]) if as_json else show(found)
    return FAILED if any(finding.severity == ERROR for finding in found) else DONE
