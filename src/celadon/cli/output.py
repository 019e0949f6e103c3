"""What a terminal shows: the only place that knows colours, tables, progress and --json."""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from celadon.errors import CeladonError, ConfigError
from celadon.locale import _

if TYPE_CHECKING:
    from rich.console import Console

SEVERITIES = {"ok": "green", "info": "", "warning": "yellow", "error": "bold red"}  # of a finding → its colour
HEARTBEAT = 10.0  # seconds of silence after which a line is printed: SSH and CI hang up on the silent


def console(*, stderr: bool = False) -> "Console":
    from rich.console import Console  # 40 ms that `--help` should not pay

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def as_json(value: Any) -> None:
    """Print `value` for machines."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=datetime.isoformat) + "\n")


def lines(texts: Iterable[str]) -> None:
    out = console()
    for text in texts:
        out.print(text, markup=False)


def styled(text: str, style: str) -> None:
    """One line, in a colour where the terminal has colours."""
    console().print(text, markup=False, style=style or None)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table; a cell that begins with "!" is shown as a warning."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in heads:
        made.add_column(head, overflow="fold")
    for row in rows:
        made.add_row(*(Text(c.removeprefix("!"), style="red" if c.startswith("!") else "") for c in row))
    from rich.console import Console

    width = None if sys.stdout.isatty() else 200  # a pipe has no width: do not fold there
    Console(highlight=False, width=width).print(made)


def notices(texts: Iterable[str]) -> None:
    """What the operator should know first; on standard error, out of the way of machines."""
    err = console(stderr=True)
    for text in texts:
        err.print(text, markup=False, style="yellow")


def error(problem: CeladonError) -> None:
    """What happened, the evidence, the next command."""
    err = console(stderr=True)
    err.print(f"[bold red]{_('error:')}[/] ", end="")
    err.print(problem.message, markup=False)
    for line in problem.evidence:
        err.print(line if isinstance(problem, ConfigError) else f"  {line}", markup=False)
    if problem.log:
        err.print("  " + _("the whole log: {file}").format(file=problem.log), markup=False)
    if problem.hint:
        err.print("→ " + problem.hint, markup=False, style="bold")


def bug(trace: str) -> None:
    """An error nobody foresaw: a report that can be pasted as it is."""
    err = console(stderr=True)
    err.print(_("This is a bug in Celadon; nothing that you did. Please report it with these lines:"), style="bold red")
    err.print(trace, markup=False)


class Terminal:
    """A deployment on the terminal: a line as a step begins, its details, and a line with the time it took."""

    def __init__(self, *, stderr: bool = False) -> None:
        """With `stderr`, leave standard output to what machines read."""
        self._out = console(stderr=stderr)
        self._now = ""
        self._begun = self._spoke = time.monotonic()
        self._stop = Event()
        self._beat = Thread(target=self._heartbeat, daemon=True)

    def __enter__(self) -> "Terminal":
        self._beat.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._beat.join()

    def started(self, number: int, total: int, text: str) -> None:
        self._now, self._begun = text, time.monotonic()
        self._print(f"[{number}/{total}] {text}", style="bold")

    def ended(self, number: int, total: int, text: str, seconds: float) -> None:
        self._now = ""
        if seconds >= 1:
            self._print("      " + _("done in {seconds:.1f} s").format(seconds=seconds), style="green")

    def failed(self, number: int, total: int, text: str, seconds: float) -> None:
        self._now = ""
        self._print("      " + _("failed after {seconds:.1f} s").format(seconds=seconds), style="red")

    def detail(self, text: str) -> None:
        self._print(f"      {text}", style="dim")

    def note(self, text: str) -> None:
        self._print(text, style="yellow")

    def log(self, text: str) -> None:
        """The log has it; the terminal does not."""

    def _print(self, text: str, style: str) -> None:
        self._spoke = time.monotonic()
        with suppress(OSError):  # a terminal that went away must not end a deployment; the log has every line
            self._out.print(text, style=style, markup=False)

    def _heartbeat(self) -> None:
        while not self._stop.wait(1):
            if self._now and time.monotonic() - self._spoke >= HEARTBEAT:
                age = time.monotonic() - self._begun
                self._print("      " + _("… {seconds:.0f} s").format(seconds=age), style="dim")
