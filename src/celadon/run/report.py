"""Who is told what happens: the terminal and the deployment's log, over one small interface."""

from pathlib import Path
from typing import Protocol

from celadon.state.layout import make_private


class Report(Protocol):
    """What a deployment tells. `number` and `total` count steps from 1; times are seconds."""

    def started(self, number: int, total: int, text: str) -> None: ...
    def ended(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def failed(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def detail(self, text: str) -> None:
        """Progress within a step, one line."""

    def note(self, text: str) -> None:
        """Something the operator should know."""

    def log(self, text: str) -> None:
        """For the log only: the full output of builds and tasks."""


class LogFile:
    """A deployment's log: plain lines, flushed as they come, for the owner only."""

    def __init__(self, file: Path) -> None:
        make_private(file.parent)
        file.touch(mode=0o600)
        self._out = file.open("a", encoding="utf-8", buffering=1)

    def started(self, number: int, total: int, text: str) -> None:
        self.log(f"[{number}/{total}] {text}")

    def ended(self, number: int, total: int, text: str, seconds: float) -> None:
        self.log(f"[{number}/{total}] done in {seconds:.1f} s")

    def failed(self, number: int, total: int, text: str, seconds: float) -> None:
        self.log(f"[{number}/{total}] failed after {seconds:.1f} s")

    def detail(self, text: str) -> None:
        self.log(f"  {text}")

    def note(self, text: str) -> None:
        self.log(text)

    def log(self, text: str) -> None:
        self._out.write(text + "\n")

    def close(self) -> None:
        self._out.close()


class Both:
    """Tells two reports at once."""

    def __init__(self, first: Report, second: Report) -> None:
        self._both = (first, second)

    def started(self, number: int, total: int, text: str) -> None:
        for one in self._both:
            one.started(number, total, text)

    def ended(self, number: int, total: int, text: str, seconds: float) -> None:
        for one in self._both:
            one.ended(number, total, text, seconds)

    def failed(self, number: int, total: int, text: str, seconds: float) -> None:
        for one in self._both:
            one.failed(number, total, text, seconds)

    def detail(self, text: str) -> None:
        for one in self._both:
            one.detail(text)

    def note(self, text: str) -> None:
        for one in self._both:
            one.note(text)

    def log(self, text: str) -> None:
        for one in self._both:
            one.log(text)
