"""celadon init: a workspace of a folder of repositories."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from celadon.adapters.drafts import Draft, diff
from celadon.app import audit, starting
from celadon.cli import arguments, output
from celadon.config.positions import shown
from celadon.errors import DONE, UsageError
from celadon.locale import _
from celadon.setup.finding import Found, Seen
from celadon.setup.proposing import Guess, Proposal
from celadon.setup.wishes import Wishes, by_environment, by_service


@click.command(
    "init",
    help=_("Look at the folders here, and write compose.yaml, config/, keys and scripts: a workspace to deploy from."),
)
@click.option("--name", default="", help=_("The workspace's name (default: the folder's)."))
@click.option("--host", default="", help=_("The server's public name, such as shop.example.com."))
@click.option("--url", "urls", multiple=True, metavar="ENV=URL", help=_("An environment's public address."))
@click.option("--listen", "listens", multiple=True, metavar="ENV=PORT", help=_("A port of the host, or ADDRESS:PORT."))
@click.option(
    "--service", "services", multiple=True, metavar="NAME,KEY=VALUE,…",
    help=_("What is so of a service: folder, port, route, health, host, strip_prefix, strategy, mem_limit, branch. "
           "port=none is a worker, route=none is asked by services only."),
)  # fmt: skip
@click.option("--skip", multiple=True, metavar="FOLDER", help=_("A folder that is no service."))
@click.option("-y", "--yes", is_flag=True, help=_("Take every guess, and write without asking."))
@click.option("--dry-run", is_flag=True, help=_("Show what would be written, change nothing."))
@arguments.as_json
@click.pass_obj
def command(
    folder: Path, name: str, host: str, urls: tuple[str, ...], listens: tuple[str, ...], services: tuple[str, ...],
    skip: tuple[str, ...], yes: bool, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    wishes = Wishes(name, host, by_environment("--url", urls), by_environment("--listen", listens),
                    by_service(services))  # fmt: skip
    seen = starting.look(folder, skip)
    asking = sys.stdin.isatty() and not (yes or as_json)
    proposal = starting.propose(seen, wishes)
    if not as_json:
        _show(seen, proposal)
    if proposal.guesses and not (yes or dry_run):
        proposal = _ask(seen, wishes, proposal) if asking else _refuse(proposal.guesses)
    changed, remarks = starting.files(folder, proposal)
    output.notices(remarks)
    if as_json:
        output.as_json(_document(seen, proposal, changed))
    else:
        _tell(proposal.guesses, changed)
    if dry_run or not changed:
        return DONE
    if not yes:
        _agree(changed, asking=asking)
    starting.write(changed)
    audit.wrote(folder.resolve(), "init", output.notice, [shown(one.path) for one in changed])
    if not as_json:
        _next(proposal)
    return DONE


def _ask(seen: Seen, wishes: Wishes, proposal: Proposal) -> Proposal:
    """Every guess as a question, with itself as the answer; an answer that cannot be is asked for again."""
    while proposal.guesses:
        guess = proposal.guesses[0]
        about = f"{guess.service}: {guess.key}" if guess.service else guess.key
        answer = click.prompt(f"{about} ({guess.why})", default=guess.value)
        answered = wishes.answered(guess.service, guess.key, answer.strip())
        try:
            proposal = starting.propose(seen, answered)
        except UsageError as problem:
            output.error(problem)
        else:
            wishes = answered
    return proposal


def _refuse(guesses: Sequence[Guess]) -> Proposal:
    raise UsageError(
        _("Not everything can be found out, and nobody is at the terminal."),
        evidence=[f"{guess.flag}    {guess.why}" for guess in guesses],
        hint=_("Say what is so with these flags, or take the guesses as they stand there: -y"),
    )


def _agree(changed: Sequence[Draft], *, asking: bool) -> None:
    """Ask before anything is written. Where nobody is there, new files need no word, others do."""
    if asking:
        click.confirm(_("Write these files?"), default=True, abort=True)
    elif replaced := [shown(one.path) for one in changed if one.before is not None]:
        raise UsageError(
            _("Files that are there would change, and nobody is at the terminal: {files}").format(
                files=", ".join(replaced)
            ),
            hint=_("Look at the changes with --dry-run, and say yes with -y."),
        )


def _show(seen: Seen, proposal: Proposal) -> None:
    heads = [_("SERVICE"), _("FOLDER"), _("MADE WITH"), _("PORT"), _("ROUTE"), _("HEALTH")]
    if proposal.found:
        output.table(heads, [_row(one) for one in proposal.found])
    elif seen.there:
        output.lines([_("Every folder with a Dockerfile is in {file} already.").format(file=seen.there.file)])
    for one in proposal.found:
        if not one.folder.checkout:
            words = _("{folder} is in no git repository yet: a deploy builds commits.")
            output.notices([words.format(folder=one.folder.path)])
    for folder in seen.without:
        output.notices([_("{folder} is left out: it has no Dockerfile.").format(folder=folder)])


def _row(one: Found) -> list[str]:
    stripped = " " + _("(stripped)") if one.strip_prefix else ""
    port, route = one.port.value or _("none: a worker"), one.route.value or "-"
    return [one.name, one.folder.path, one.made_with or "-", f"{port}{_mark(one.port.sure)}",
            f"{route}{_mark(one.route.sure)}{stripped}",
            f"{one.health.value}{_mark(one.health.sure)}" if one.route.value else "-"]  # fmt: skip


def _mark(sure: bool) -> str:
    return "" if sure else "?"


def _tell(guesses: Sequence[Guess], changed: Sequence[Draft]) -> None:
    """What was guessed, and what would change: files that are new in a line each, but for compose.yaml."""
    if guesses:
        output.lines(["", _("Guessed; say it better with the flag:"), *(f"  {g.flag}    {g.why}" for g in guesses)])
    output.lines([""])
    for one in changed:
        if one.before is None and one.path.suffix != ".yaml":
            output.styled(_("new: {file} (mode {mode})").format(file=shown(one.path), mode=f"{one.mode or 0o644:04o}"),
                          "green")  # fmt: skip
        else:
            output.diff(diff(one))
    if not changed:
        output.lines([_("Nothing to write: everything is there.")])


def _next(proposal: Proposal) -> None:
    first = next((one.name for one in proposal.sketch.environments if not one.from_), "staging")
    output.lines([
        "", _("Written. Next:"),
        "  celadon check", f"  celadon plan deploy {first}", f"  celadon deploy {first}", "  celadon status",
    ])  # fmt: skip


def _document(seen: Seen, proposal: Proposal, changed: Sequence[Draft]) -> dict[str, object]:
    """For machines: where each value comes from, and which files would change; no file's text."""
    services = [
        {
            "service": one.name, "folder": one.folder.path, "made_with": one.made_with,
            **{key: {"value": clue.value, "source": clue.source, "guessed": not clue.sure}
               for key, clue in (("port", one.port), ("route", one.route), ("health", one.health))},
            "strip_prefix": one.strip_prefix,
        }
        for one in proposal.found
    ]  # fmt: skip
    return {
        "name": proposal.sketch.name,
        "services": services,
        "guesses": [{"flag": guess.flag, "why": guess.why} for guess in proposal.guesses],
        "left_out": seen.without,
        "files": [{"file": shown(one.path), "new": one.before is None} for one in changed],
    }
