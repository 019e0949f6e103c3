"""The health path of a service: from its container's own check, its sources, or else the route itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from celadon.locale import _
from celadon.setup import reading
from celadon.setup.proxy import Limits
from celadon.setup.tale import BY_HAND, CARRIED, Row, Spot
from celadon.setup.twins import Family, Old, Twin

_HTTP = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::[\d${}\w:-]+)?(/[^\s\"'|;&)\]]*)?")


@dataclass(frozen=True)
class Gate:
    """How users come to a service: `route` "" is a worker, or internal; `port` None is not known."""

    port: int | None = None
    route: str = ""
    host: str = ""
    health: str = ""
    strip: bool = False
    limits: Limits = field(default_factory=Limits)
    asked: Mapping[str, tuple[int, Spot]] = field(default_factory=dict)  # by environment: the port, as nginx says there


def with_health(old: Old, family: Family, gate: Gate, rows: list[Row]) -> Gate:
    """The gate with its health path, below the route."""
    if gate.port is None:
        return gate
    if path := next((path for twin in family.twins if (path := _asked(twin))), ""):
        return replace(gate, health=_below(gate, path))
    if not gate.route:
        return gate
    spot = Spot(family.first.file, family.first.place.line)
    what = _("{name} has no healthcheck").format(name=family.name)
    source = old.source(family)
    found = reading.health(source, gate.route) if source else reading.Clue("/", sure=False)
    path = _below(gate, found.value)
    if found.sure:
        became = _("health {path}: {source} says so").format(path=path, source=found.source)
        rows.append(Row(CARRIED, spot, what, became))
    else:
        became = _("`{path}` is asked: name a path that tells whether it is ready").format(path=path)
        rows.append(Row(BY_HAND, spot, what, became))
    return replace(gate, health=path)


def _below(gate: Gate, path: str) -> str:
    """A path of the service as one below its route."""
    prefix = gate.route.rstrip("/")
    if prefix and not gate.strip and f"{path}/".startswith(f"{prefix}/"):
        return path.removeprefix(prefix) or "/"
    return path


def _asked(twin: Twin) -> str:
    """The path that the container's healthcheck asks, "" for none."""
    check = twin.definition.get("healthcheck")
    test = check.get("test") if isinstance(check, dict) else ""
    found = _HTTP.search(" ".join(map(str, test)) if isinstance(test, list) else str(test or ""))
    return (found[1] or "/").partition("?")[0] if found else ""
