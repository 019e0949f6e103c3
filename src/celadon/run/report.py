"""Who is told what happens: a terminal, or the journal of a deployment, over one small interface."""

from collections.abc import Mapping
from typing import Protocol


class Report(Protocol):
    """What a deployment tells. `number` and `total` count steps from 1; times are seconds."""

    def started(self, number: int, total: int, text: str) -> None: ...
    def ended(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def failed(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def detail(self, text: str) -> None:
        """Progress within a step, one line."""

    def building(self, service: str, expected: Mapping[str, float], took: float | None) -> None:
        """A build begins. `expected` is seconds by a step's key, `took` what the last build took, None without one."""

    def build_step(self, name: str, state: str, at: float, seconds: float) -> None:
        """A step of the build became known, began or ended: the fields of a `plan.expect.BuildStep`."""

    def note(self, text: str) -> None:
        """Something the operator should know."""

    def log(self, text: str) -> None:
        """For the log only: the full output of builds and tasks."""
