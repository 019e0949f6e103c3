"""What an import tells: what became what, what was left out, and what in the old set-up contradicts itself."""

from dataclasses import dataclass

CARRIED, LEFT, BY_HAND, CONTRADICTION = "carried", "left out", "by hand", "contradiction"
KINDS = (CARRIED, LEFT, BY_HAND, CONTRADICTION)  # what asks for somebody comes last, where the eye is


@dataclass(frozen=True, order=True)
class Spot:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Row:
    """`what` stands at `spot` of the old set-up; `became` is what it is now, or why it is nothing."""

    kind: str
    spot: Spot
    what: str
    became: str
