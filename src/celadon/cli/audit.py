"""celadon audit: who did what."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from celadon.app import audit
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.errors import DONE, FAILED, UsageError
from celadon.locale import _, ngettext
from celadon.locale.words import called
from celadon.printable import one_line
from celadon.run.world import utc_now
from celadon.state.audit_chain import MISSING, Verified


@click.command(
    "audit",
    help=_("Show who requested what, when it started and how it finished, for every command that changes something. "
           "Entries form a hash chain, so changed or removed entries are detected."),
)  # fmt: skip
@arguments.environment_or_all
@click.option("-n", "limit", default=20, type=arguments.NUMBER, show_default=True, help=_("How many."))
@click.option(
    "--since", metavar="WHEN", help=_("Show all entries since this time: an age (7d, 12h) or a date (2026-01-31).")
)
@click.option("--verify", is_flag=True, help=_("Verify the whole chain; exit with code 1 if it is broken."))
@click.option(
    "--expect", metavar="HASH", help=_("With --verify: check that a head hash stored elsewhere is in the chain.")
)
@click.option("--head", is_flag=True, help=_("Print only the newest entry's number and hash, to store elsewhere."))
@arguments.as_json
@click.pass_obj
def command(folder: Path, environment: str | None, limit: int, since: str | None, verify: bool, expect: str | None,
            head: bool, as_json: bool) -> int:  # fmt: skip
    if expect and not verify:
        raise UsageError(_("--expect requires --verify."))
    workspace = open_workspace(folder)
    if environment:
        workspace.outline.environment(environment)
    earliest = audit.since(since, utc_now()) if since else None
    found, chosen = audit.entries(workspace.layout, environment, earliest)
    if verify:
        return _verified(found, expect, as_json=as_json)
    if head:
        output.as_json(_head(found)) if as_json else click.echo(f"{found.head.number} {found.head.hash}")
        return DONE
    newest = chosen if earliest else chosen[-limit:]
    if as_json:
        output.as_json(newest)
        return DONE
    output.table(
        ["#", _("TIME"), _("BY"), _("COMMAND"), _("EVENT")], [_cells(one) for one in newest], whole=(_("TIME"),)
    )
    if found.broken:
        output.notice(
            _("The audit log is corrupted at line {line}. Run: celadon audit --verify").format(line=found.broken.line)
        )
    return DONE


def _cells(one: Mapping[str, Any]) -> list[str]:
    outcome = str(one.get("outcome", ""))
    good = outcome in ("", "succeeded")
    return [
        str(one["n"]),
        one_line(str(one.get("at", "")))[:16].replace("T", " "),
        one_line(_who(one)),
        one_line(_what(one)),
        ("" if good else "!") + called(outcome or str(one.get("event", ""))),
    ]


def _who(one: Mapping[str, Any]) -> str:
    """The user, and the people behind it where they bear other names."""
    user = str(one.get("user", ""))
    behind = dict.fromkeys(str(one.get(key, "")) for key in ("sudo", "login"))
    others = [name for name in behind if name not in ("", user)]
    return f"{user} ({', '.join(others)})" if others else user


def _what(one: Mapping[str, Any]) -> str:
    services, number, moved = one.get("services"), one.get("deployment"), one.get("releases")
    services = services if isinstance(services, list) else []  # a chain can be whole and yet not be Celadon's
    moved = moved if isinstance(moved, dict) else {}
    words = [str(one.get("act", "")), str(one.get("environment", "")), *map(str, services), str(one.get("program", ""))]
    words += [f"#{number}"] if number else []
    pairs = {service: pair for service, pair in moved.items() if isinstance(pair, list)}
    words += [f"{service}: {' → '.join(str(one or '-') for one in pair)}" for service, pair in pairs.items()]
    return " ".join(filter(None, words))


def _head(found: Verified) -> dict[str, object]:
    return {"entries": found.head.number, "head": found.head.hash}


def _verified(found: Verified, expect: str | None, *, as_json: bool) -> int:
    broken = found.broken
    lost = expect is not None and expect not in {one["hash"] for one in found.entries}
    if as_json:
        where = {"line": broken.line, "kind": broken.kind} if broken else None
        output.as_json({**_head(found), "good": not (broken or lost), "broken": where, "torn": found.torn,
                        "expected": None if expect is None else not lost})  # fmt: skip
        return FAILED if broken or lost else DONE
    if found.torn:
        words = ngettext(
            "Line {lines} is incomplete (disk full or power failure); the chain continues after it.",
            "Lines {lines} are incomplete (disk full or power failure); the chain continues after them.",
            len(found.torn),
        )
        output.notice(words.format(lines=", ".join(map(str, found.torn))))
    if broken and broken.kind == MISSING:
        words = _("Line {line} does not follow the previous line: lines were removed, inserted or moved.")
        output.styled(words.format(line=broken.line), "bold red")
    elif broken:
        words = _("Line {line} was modified.")
        output.styled(words.format(line=broken.line), "bold red")
    if lost:
        words = _("No entry has the hash {hash}: the log was rewritten or truncated after you stored the hash.")
        output.styled(words.format(hash=expect), "bold red")
    if broken or lost:
        return FAILED
    words = ngettext(
        "{n} entry, chain intact; head {hash}", "{n} entries, chain intact; head {hash}", found.head.number
    )
    output.lines([words.format(n=found.head.number, hash=found.head.hash)])
    return DONE
