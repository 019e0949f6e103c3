"""What an import tells: what became what, what was left out, and what in the old set-up contradicts itself."""

from dataclasses import dataclass

from celadon.setup.nginxfile import Spot

CARRIED, LEFT, TODO, CONTRADICTION = "carried", "left out", "by hand", "contradiction"


@dataclass(frozen=True)
class Row:
    """`what` stands at `spot` of the old set-up; `became` is what it is now, or why it is nothing."""

    kind: str
    spot: Spot
    what: str
    became: str
