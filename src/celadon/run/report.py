"""Who is told what happens: a terminal, or the journal of a deployment, over one small interface."""

from typing import Protocol


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
