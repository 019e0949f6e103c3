"""What people are told, as text: an event becomes a title and a body. Pure, and without a secret but what is passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from celadon.locale import _, numbers
from celadon.state import record as outcomes
from celadon.state.record import Deployment
from celadon.state.snapshot import Live, Move

STARTED, SUCCEEDED, FAILED, REVERTED, DISK_LOW = "started", "succeeded", "failed", "reverted", "disk_low"
TRIAL = "trial"  # by hand, to everybody

LONGEST = 300  # characters of a reason


@dataclass(frozen=True)
class Message:
    """What is sent for an `event` (as `x-celadon.notify.on` names it)."""

    event: str
    title: str
    body: str


@dataclass(frozen=True)
class Course:
    """A deployment as it can be told. `seconds` is None where nobody counted them; `reason` is one masked line.

    `moves` are what it was to switch, `live` is what the record has now.
    """

    workspace: str
    deployment: Deployment
    moves: Sequence[Move] = ()
    live: Mapping[str, Live] = field(default_factory=dict)
    seconds: float | None = None
    reason: str = ""


def started(course: Course) -> Message:
    d = course.deployment
    title = _("{place}: {verb} has started").format(place=_place(course), verb=d.verb)
    return Message(STARTED, title, _body([_coming(m) for m in course.moves], course, f"celadon attach {d.id}"))


def ended(course: Course) -> Message:
    """How a deployment ended. One that was cancelled or killed counts as failed, and says so."""
    d = course.deployment
    words = {
        outcomes.SUCCEEDED: _("{place}: {verb} succeeded"),
        outcomes.REVERTED: _("{place}: {verb} was reverted; users have what they had before"),
        outcomes.CANCELLED: _("{place}: {verb} was cancelled"),
        outcomes.INTERRUPTED: _("{place}: {verb} failed: it was interrupted"),
    }.get(d.outcome, _("{place}: {verb} failed"))
    event = {outcomes.SUCCEEDED: SUCCEEDED, outcomes.REVERTED: REVERTED}.get(d.outcome, FAILED)
    title = words.format(place=_place(course), verb=d.verb)
    if course.seconds is not None:
        title += _(" (after {seconds:.0f} s)").format(seconds=course.seconds)
    lines = [course.reason] if course.reason else []
    if d.outcome == outcomes.INTERRUPTED:
        lines.append(_("Its process was killed, or the server restarted; what it left is being healed."))
    lines += [_now(m, course.live.get(m.service)) for m in course.moves]
    return Message(event, title, _body(lines, course, f"celadon history --show {d.id}"))


def disk_low(workspace: str, environment: str, *, free: int, floor: int, folder: str) -> Message:
    """Less than `floor` bytes are free on the disk of `folder`."""
    title = _("{workspace} {environment}: the disk is low").format(workspace=workspace, environment=environment)
    words = _("{free} are free at {folder}; {floor} should be.")
    body = words.format(free=numbers.size(free), folder=folder, floor=numbers.size(floor))
    return Message(DISK_LOW, title, f"{body}\nceladon diagnose")


def trial(workspace: str, environment: str, by: str) -> Message:
    title = _("{workspace} {environment}: a test message").format(workspace=workspace, environment=environment)
    return Message(TRIAL, title, _("{by} tries whether messages of Celadon arrive here.").format(by=by))


def in_one_line(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _place(course: Course) -> str:
    return f"{course.workspace} {course.deployment.environment}"


def _body(lines: Sequence[str], course: Course, command: str) -> str:
    d = course.deployment
    services = [] if course.moves or not d.services else [", ".join(d.services)]
    by = _("deployment {number} by {user}").format(number=d.id, user=d.by)
    return "\n".join([*lines, *services, by, command])


def _coming(move: Move) -> str:
    return f"{move.service}: {_name(move.before)} → {_name(move.after)}"


def _now(move: Move, live: Live | None) -> str:
    if live == move.after:
        return _coming(move)
    words = _("{service}: stays at {now}; {wanted} was not switched to")
    return words.format(service=move.service, now=_name(live), wanted=_name(move.after))


def _name(live: Live | None) -> str:
    return live.release if live else _("nothing")
