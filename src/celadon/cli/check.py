"""celadon check: what is wrong with what a team brings, and with --fix, mending what can be mended without a doubt."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click

from celadon.adapters.drafts import Draft, diff, write
from celadon.app import audit, checking
from celadon.check import rules, sarif
from celadon.check.facts import ERROR, INFO, WARNING, Finding
from celadon.cli import arguments, output
from celadon.cli.agreeing import agree
from celadon.config.outline import find_file
from celadon.config.positions import shown
from celadon.errors import DONE, FAILED, UsageError
from celadon.locale import _, ngettext
from celadon.locale.words import called


@click.command(
    "check",
    help=_("Look at Dockerfiles, compose file, env files, keys, ports and routes before they reach the server."),
)
@arguments.environments
@arguments.as_json
@click.option("--sarif", "as_sarif", is_flag=True, help=_("SARIF 2.1.0, for code hosts."))
@click.option("--buildkit", is_flag=True, help=_("Ask BuildKit's own lint as well: needs the engine, and base images."))
@click.option("--fix", is_flag=True, help=_("Mend what can be mended without a doubt: the changes are shown first."))
@click.option("-y", "--yes", is_flag=True, help=_("With --fix: do not ask."))
@click.option("--dry-run", is_flag=True, help=_("With --fix: show the changes, make none."))
@click.pass_obj
def command(folder: Path, environments: tuple[str, ...], as_json: bool, as_sarif: bool, buildkit: bool, fix: bool,
            yes: bool, dry_run: bool) -> int:  # fmt: skip
    if as_json and as_sarif:
        raise UsageError(_("--json and --sarif are two forms of the same: choose one."))
    if fix and (as_json or as_sarif):
        raise UsageError(_("--fix shows a diff to people: leave --json and --sarif for a second run."))
    if (yes or dry_run) and not fix:
        raise UsageError(_("-y and --dry-run belong to --fix: without it nothing is changed anyway."))
    checked = checking.check(folder, environments, buildkit=buildkit)
    if fix and _mended(folder, checked.drafts, yes=yes, dry_run=dry_run):
        checked = checking.check(folder, environments, buildkit=buildkit)
    found = checked.findings
    if as_sarif:
        output.as_json(sarif.document(found, rules.RULES, shown(find_file(folder))))
    elif as_json:
        output.as_json([asdict(finding) for finding in found])
    else:
        show(found)
    return FAILED if any(finding.severity == ERROR for finding in found) else DONE


def _mended(folder: Path, drafts: Sequence[Draft], *, yes: bool, dry_run: bool) -> bool:
    """Show what would change, ask, and write it. Raises UsageError when nobody is there to be asked."""
    if not drafts:
        output.lines([_("There is nothing that `--fix` could mend."), ""])
        return False
    for draft in drafts:
        output.diff([*diff(draft), ""])
    files = ngettext("{n} file", "{n} files", len(drafts)).format(n=len(drafts))
    if dry_run:
        output.lines([_("{files} would change; nothing was changed.").format(files=files), ""])
        return False
    agree(_("Change {files}?").format(files=files), yes=yes)
    files_fixed = [shown(draft.path) for draft in drafts]
    with audit.act(audit.of_folder(folder), "check --fix", output.notice, files=files_fixed):
        write(drafts)
    output.lines([_("{files} changed. Deploys build commits: commit and push what belongs to a repository. "
                    "What is left:").format(files=files), ""])  # fmt: skip
    return True


def show(found: Sequence[Finding]) -> None:
    """Findings by file, and how many there are."""
    for _file, several in groupby(found, key=lambda finding: finding.file):
        for one in several:
            place = one.place or _("this server")
            output.styled(f"{place}  {called(one.severity)}  {one.rule}  {one.what}", output.SEVERITIES[one.severity])
            mend = _("{mend} (celadon check --fix mends it)").format(mend=one.mend) if one.fix else one.mend
            output.lines([f"    {one.why}", f"    → {mend}"])
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
