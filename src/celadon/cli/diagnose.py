"""celadon diagnose: what is wrong with this server, and what will be."""

from dataclasses import asdict
from pathlib import Path

import click

from celadon.app import diagnosing
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.diagnose.facts import ERROR, INFO, OK, WARNING, Facts, Finding
from celadon.errors import DONE, FAILED
from celadon.locale import _, ngettext, numbers

MARKS = {OK: "✓", INFO: "·", WARNING: "!", ERROR: "✗"}


@click.command("diagnose", help=_("What is wrong with this server: memory, disk, ports, kills, certificates, sizing."))
@click.option(
    "--bundle", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help=_("Write an archive (.tar.gz) for somebody who helps: findings, history, logs; no secrets."),
)  # fmt: skip
@arguments.as_json
@click.pass_obj
def command(folder: Path, bundle: Path | None, as_json: bool) -> int:
    workspace = open_workspace(folder)
    # A name that does not resolve and a large disk take their time: nobody should hear nothing meanwhile.
    if bundle:
        with output.Terminal(stderr=True):
            count = diagnosing.bundle(workspace, bundle)
        words = _("{file}: {n} files. Values of environment variables are hidden in it; look before you send it.")
        output.lines([words.format(file=bundle, n=count)])
        return DONE
    with output.Terminal(stderr=True):
        seen, found = diagnosing.diagnose(workspace)
    if as_json:
        output.as_json({"findings": [asdict(f) for f in found], "facts": asdict(seen)})
    else:
        _show(seen, found)
    return FAILED if any(f.severity == ERROR for f in found) else DONE


def _show(seen: Facts, found: list[Finding]) -> None:
    for finding in found:
        output.styled(f"{MARKS[finding.severity]} {finding.what}", output.SEVERITIES[finding.severity])
        if finding.why:
            output.lines([f"    {finding.why}"])
        if finding.mend:
            output.lines([f"    → {finding.mend}"])
    rows = [
        [box.name, numbers.size(box.memory), numbers.size(box.limit) if box.limit else "-", str(box.restarts),
         numbers.size(box.log)]
        for box in sorted(seen.boxes, key=lambda b: -(b.memory or 0))[:20]
    ]  # fmt: skip
    if rows:
        output.lines([""])
        output.table([_("CONTAINER"), _("MEMORY"), _("LIMIT"), _("RESTARTS"), _("LOG")], rows)
    bad = sum(f.severity in (WARNING, ERROR) for f in found)
    words = ngettext("{n} thing to look at", "{n} things to look at", bad).format(n=bad) if bad else _("all is well")
    output.lines(["", words])
