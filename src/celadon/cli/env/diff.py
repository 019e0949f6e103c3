"""celadon env diff: what one environment's services are given, and another's are not."""

from pathlib import Path

import click

from celadon.app import comparing
from celadon.app.comparing import EMPTY, MISSING, SET, Difference
from celadon.cli import arguments, output
from celadon.locale import _, ngettext

SHOWN = {SET: _("set"), EMPTY: "!" + _("empty"), MISSING: "!" + _("missing")}


@click.command(
    "diff",
    short_help=_("Compare two environments."),
    help=_("Compare what services are given in two environments, without showing a value."),
)
@click.argument("here", metavar="ENV")
@click.argument("there", metavar="ENV")
@arguments.as_json
@click.pass_obj
def command(folder: Path, here: str, there: str, as_json: bool) -> None:
    found = comparing.compare(folder, here, there)
    if as_json:
        output.as_json([
            {"name": one.name, "services": one.services, "in": {here: one.here, there: one.there}, "same": one.same}
            for one in found
        ])  # fmt: skip
        return
    output.table(
        (_("VARIABLE"), _("SERVICES"), here.upper(), there.upper(), _("VALUES")),
        [(one.name, ", ".join(one.services), SHOWN[one.here], SHOWN[one.there], _values(one)) for one in found],
    )
    bad = sum(one.same is None for one in found)
    words = ngettext("{n} variable is not set in both.", "{n} variables are not set in both.", bad)
    output.lines(["", words.format(n=bad) if bad else _("Both have the same variables.")])


def _values(one: Difference) -> str:
    return "" if one.same is None else _("same") if one.same else _("different")
