"""What a deployment acts in: one frozen value, passed by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from celadon.config.workspace import EnvironmentConfig
from celadon.printable import printable
from celadon.run.report import Report
from celadon.state.layout import Layout
from celadon.state.record import Record


def utc_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class World:
    """One environment of one workspace, its record, and who is told; `announce` tells who waits for the lock.

    What a step announces comes after the step's own words. `hide` keeps secrets and control characters out of what is
    recorded.
    """

    config: EnvironmentConfig
    layout: Layout
    record: Record
    report: Report
    now: Callable[[], datetime] = utc_now
    announce: Callable[[str], None] = lambda _step: None
    hide: Callable[[str], str] = printable
