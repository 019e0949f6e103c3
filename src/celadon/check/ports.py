"""Rules of the host's ports that backing services take."""

from collections.abc import Iterator
from dataclasses import dataclass

from celadon.check.facts import ERROR, Facts, Finding, Rule
from celadon.config.positions import Key
from celadon.locale import _

TAKEN = Rule(
    "compose/port-taken", ERROR, _("the second of them does not start: a port of the host has one owner"),
    _("Leave `ports` out: services reach it by its name, and you by `celadon exec`."),
)  # fmt: skip
ANY = ("", "0.0.0.0", "::")  # noqa: S104 (compared, not listened on)


@dataclass(frozen=True)
class Claim:
    """Somebody who wants ports `first` to `last` of an address; `path` is where the file says so."""

    who: str
    environment: str
    address: str
    first: int
    last: int
    protocol: str
    path: tuple[Key, ...]
    router: bool = False

    def meets(self, other: "Claim") -> int | None:
        """The first port that both want, None where they do not meet."""
        same = self.address == other.address or self.address in ANY or other.address in ANY
        first, last = max(self.first, other.first), min(self.last, other.last)
        return first if same and self.protocol == other.protocol and first <= last else None


def findings(seen: Facts) -> Iterator[Finding]:
    """Backing services whose ports meet those of a router, of each other, or of themselves in another environment."""
    claims = list(_claims(seen))
    said: set[tuple[str, str, int]] = set()
    for number, one in enumerate(claims):
        if one.router:
            continue
        for other in (*claims[:number], *(c for c in claims[number + 1 :] if c.router)):
            port = one.meets(other)
            key = (one.who, other.who, port or 0)
            if port is None or key in said:
                continue
            said.add(key)
            what = _("{one} and {other} both want port {port} of the host").format(
                one=_called(one), other=_called(other), port=port
            )
            yield TAKEN.at(seen.file, seen.raw.at(one.path), what)


def _called(claim: Claim) -> str:
    words = _("the router of {environment}") if claim.router else _("{service} of {environment}")
    return words.format(environment=claim.environment, service=claim.who)


def _claims(seen: Facts) -> Iterator[Claim]:
    for config in seen.environments:
        tls = config.options.tls.listen if config.options.tls else ()
        for listen in (*config.options.listen, *tls):
            yield Claim("", config.name, listen.address, listen.port, listen.port, "tcp", (), router=True)
        for name, definition in config.backing.items():
            for number, port in enumerate(definition.get("ports") or []):
                published = str(port.get("published") or "")
                first, _dash, last = published.partition("-")
                if first.isdigit():
                    yield Claim(name, config.name, str(port.get("host_ip") or ""), int(first), int(last or first),
                                str(port.get("protocol") or "tcp"), ("services", name, "ports", number))  # fmt: skip
