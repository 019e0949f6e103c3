"""What a terminal shows: the only place that knows colours, tables, progress and --json."""

import json
import sys
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from celadon.errors import CeladonError, ConfigError, cut_evidence
from celadon.locale import _, numbers
from celadon.plan.expect import FAILED, BuildStep, Course
from celadon.printable import escaped, printable, without_passwords

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

HEARTBEAT = 9.0  # seconds of silence after which a line is printed: SSH and CI hang up on the silent
LOOK = 0.5  # seconds between two looks at the silence: together never more than 10
FRAMES = 4  # a second, of the lines at the bottom of a terminal that change
SEVERITIES = {"ok": "green", "info": "", "warning": "yellow", "error": "bold red"}  # of a finding → its colour


def console(*, stderr: bool = False) -> "Console":
    from rich.console import Console  # 40 ms that `--help` should not pay

    return Console(stderr=stderr, highlight=False, emoji=False, soft_wrap=True)


def as_json(value: Any) -> None:
    """Print `value` for machines."""
    document = json.dumps(value, indent=2, ensure_ascii=False, default=datetime.isoformat)
    sys.stdout.write(escaped(document) + "\n")  # a person may look at it, too


def plain(text: str) -> str:
    """`text` without what a terminal would obey instead of showing it, and without passwords in addresses."""
    return without_passwords(printable(text))


def lines(texts: Iterable[str]) -> None:
    out = console()
    for text in texts:
        out.print(plain(text), markup=False)


def styled(text: str, style: str) -> None:
    """One line, in a colour where the terminal has colours."""
    console().print(plain(text), markup=False, style=style or None)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], whole: Container[str] = ()) -> None:
    """A table; a cell that begins with "!" is a warning. Columns of `whole` are not folded: others give way."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in heads:
        made.add_column(head, overflow="fold", no_wrap=head in whole)
    for row in rows:
        made.add_row(*(Text(plain(c.removeprefix("!")), style="red" if c.startswith("!") else "") for c in row))
    from rich.console import Console

    width = None if sys.stdout.isatty() else 200  # a pipe has no width: do not fold there
    Console(highlight=False, emoji=False, width=width).print(made)


def paged(text: str) -> None:
    """A long text: through the operator's pager on a terminal, as it is into a pipe."""
    import click

    click.echo_via_pager(text.rstrip("\n"))  # which ends it with a line end


def shortened(text: str, cells: int) -> str:
    """`text`, with an ellipsis where it takes more than so many cells of a terminal."""
    from rich.text import Text

    cut = Text(text)
    cut.truncate(cells, overflow="ellipsis")
    return cut.plain


def diff(texts: Iterable[str]) -> None:
    """Lines of a unified diff, in the usual colours."""
    out, styles = console(), {"+": "green", "-": "red", "!": "yellow", "@": "cyan"}
    for text in texts:
        out.print(plain(text), markup=False, style=styles.get(text[:1]))


def notices(texts: Iterable[str]) -> None:
    """What the operator should know first; on standard error, out of the way of machines."""
    err = console(stderr=True)
    for text in texts:
        err.print(plain(text), markup=False, style="yellow")


def notice(text: str) -> None:
    """One of `notices`."""
    notices([text])


def error(problem: CeladonError) -> None:
    """What happened, the evidence, the next command."""
    err = console(stderr=True)
    err.print(_("error:"), style="bold red", end=" ")
    err.print(plain(problem.message), markup=False)
    indent = "" if isinstance(problem, ConfigError) else "  "
    for line in problem.evidence:
        err.print(indent + plain(cut_evidence(line)), markup=False)
    if problem.log:
        err.print("  " + _("the whole log: {file}").format(file=problem.log), markup=False)
    if problem.hint:
        err.print("→ " + plain(problem.hint), markup=False, style="bold")


def bug(trace: str) -> None:
    """An error nobody foresaw: a report that can be pasted as it is."""
    err = console(stderr=True)
    err.print(_("This is a bug in Celadon; nothing that you did. Please report it with these lines:"), style="bold red")
    err.print(plain(trace), markup=False)


class Terminal:
    """A deployment on the terminal: a line as a step begins, its details, and a line with the time it took.

    What a build does just now changes at the bottom of a terminal; where there is none, it is told line by line.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        """With `stderr`, leave standard output to what machines read."""
        self._out = console(stderr=stderr)
        self._now = ""
        self._course = Course()
        self._live: Live | None = None
        self._begun = self._spoke = time.monotonic()
        self._stop = Event()
        self._beat = Thread(target=self._heartbeat, daemon=True)

    def __enter__(self) -> "Terminal":
        self._beat.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._beat.join()
        self._end_build()

    def started(self, number: int, total: int, text: str) -> None:
        self._now, self._begun = text, time.monotonic()
        self._print(f"[{number}/{total}] {text}", style="bold")

    def ended(self, number: int, total: int, text: str, seconds: float) -> None:
        self._end_build()
        self._now = ""
        if seconds >= 1:
            self._print("      " + _("done in {seconds:.1f} s").format(seconds=seconds), style="green")

    def failed(self, number: int, total: int, text: str, seconds: float) -> None:
        self._end_build()
        self._now = ""
        self._print("      " + _("failed after {seconds:.1f} s").format(seconds=seconds), style="red")

    def detail(self, text: str) -> None:
        self._print(f"      {text}", style="dim")

    def building(self, service: str, expected: Mapping[str, float], took: float | None) -> None:
        self._end_build()
        self._course = Course(expected, took)
        if last := self._course.last_time():
            self.detail(last)
        if self._out.is_terminal and not self._out.is_dumb_terminal:
            from rich.live import Live  # as long to import as the console itself, and only a build needs it

            self._live = Live(get_renderable=self._frame, console=self._out, transient=True, refresh_per_second=FRAMES,
                              redirect_stdout=False, redirect_stderr=False)  # fmt: skip
            self._live.start()

    def build_step(self, name: str, state: str, at: float, seconds: float) -> None:
        step = BuildStep(name, state, at, seconds)
        ended = self._course.take(step)
        if self._live:
            with suppress(OSError):
                self._live.refresh()  # or what has just ended would stand below its own end
        if ended:
            self._print("      " + step.describe(time.time()), style="red" if state == FAILED else "dim")

    def _end_build(self) -> None:
        self._course = Course()
        live, self._live = self._live, None
        if live:
            with suppress(OSError):
                live.stop()

    def _frame(self) -> "Text":
        """The lines at the bottom: the steps that run, and how long it still takes."""
        from rich.text import Text

        course, now = self._course, time.time()
        texts = [step.describe(now) for step in course.running()]
        frame = Text(style="cyan", no_wrap=True, overflow="ellipsis")
        for text in filter(None, [*texts, course.outlook(now)]):
            line = Text(f"      {plain(text)}\n")
            line.truncate(self._out.width - 1, overflow="ellipsis")
            frame.append_text(line)
        return frame

    def note(self, text: str) -> None:
        self._print(text, style="yellow")

    def log(self, text: str) -> None:
        """The log has it; the terminal does not."""

    def _print(self, text: str, style: str) -> None:
        self._spoke = time.monotonic()
        with suppress(OSError):  # a terminal that went away must not end a deployment; the log has every line
            self._out.print(plain(text), style=style, markup=False)

    def _heartbeat(self) -> None:
        while not self._stop.wait(LOOK):
            if self._live is None and time.monotonic() - self._spoke >= HEARTBEAT:
                self._print("      " + self._pulse(), style="dim")

    def _pulse(self) -> str:
        """What is done just now, and since when."""
        age = numbers.span(time.monotonic() - self._begun)
        doing = _("… {step}, for {time}") if self._now else _("… {time}")
        return self._course.now(time.time()) or doing.format(step=self._now, time=age)
