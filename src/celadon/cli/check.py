"""celadon check: what is wrong with what a team brings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click

from celadon.app import checking
from celadon.check import rules, sarif
from celadon.check.facts import ERROR, INFO, WARNING, Finding
from celadon.cli import arguments, output
from celadon.config.outline import find_file
from celadon.config.positions import shown
from celadon.errors import DONE, FAILED, UsageError
from celadon.locale import _, ngettext


@click.command(
    "check",
    help=_("Look at Dockerfiles, compose file, env files, keys, ports and routes before they reach the server."),
)
@arguments.environments
@arguments.as_json
@click.option("--sarif", "as_sarif", is_flag=True, help=_("SARIF 2.1.0, for code hosts."))
@click.option("--buildkit", is_flag=True, help=_("Ask BuildKit's own lint as well: needs the engine, and base images."))
@click.pass_obj
def command(folder: Path, environments: tuple[str, ...], as_json: bool, as_sarif: bool, buildkit: bool) -> int:
    if as_json and as_sarif:
        raise UsageError(_("--json and --sarif are two forms of the same: choose one."))
    found = checking.check(folder, environments, buildkit=buildkit)
    if as_sarif:
        output.as_json(sarif.document(found, rules.RULES, shown(find_file(folder))))
    elif as_json:
        output.as_json([asdict(finding) for finding in found])
    else:
        _show(found)
    return FAILED if any(finding.severity == ERROR for finding in found) else DONE


def _show(found: Sequence[Finding]) -> None:
    for _file, several in groupby(found, key=lambda finding: finding.file):
        for one in several:
            place = f"{one.file}:{one.line}:{one.column}" if one.file else _("this server")
            output.styled(f"{place}  {one.severity}  {one.rule}  {one.what}", output.SEVERITIES[one.severity])
            output.lines([f"    {one.why}", f"    → {one.mend}"])
        output.lines([""])
    output.lines([_counted(found)])


def _counted(found: Sequence[Finding]) -> str:
    count = Counter(finding.severity for finding in found)
    errors, warnings, remarks = count[ERROR], count[WARNING], count[INFO]
    return ", ".join([
        ngettext("{n} error", "{n} errors", errors).format(n=errors),
        ngettext("{n} warning", "{n} warnings", warnings).format(n=warnings),
        ngettext("{n} remark", "{n} remarks", remarks).format(n=remarks),
    ])  # fmt: skip
