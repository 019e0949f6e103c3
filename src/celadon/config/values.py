"""The small value types of the file: durations, sizes, addresses to listen on, names, routes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from celadon.locale import _

YEAR = 365 * 86400.0
EXBIBYTE = 1 << 60
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
ROUTE = re.compile(r"/|(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")  # a client's `.` and `..` are resolved before routes are
HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
NGINX_SIZE = re.compile(r"0|[1-9][0-9]*[kKmMgG]?")
BUILDER = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")  # Buildx's own rule
GROUP = re.compile(r"[a-z_][a-z0-9_-]{0,30}")  # of unix: what groupadd(8) takes, less a final $
PATH = re.compile(r"/[^\s{};\"'\\\x00-\x20\x7f-\x9f\ud800-\udfff]*")
KEY_FILE = re.compile(r"/[^$\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,4000}")
DURATION = re.compile(
    r"(?:([0-9]+(?:\.[0-9]+)?)h)?(?:([0-9]+(?:\.[0-9]+)?)m(?!s))?(?:([0-9]+(?:\.[0-9]+)?)s)?(?:([0-9]+)ms)?"
)
SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgtKMGT]?)(?:[iI]?[bB])?")


@dataclass(frozen=True)
class Said:
    """A value as a message shows it: short, as the file has it, and never an address, which may hold a token."""

    value: object

    def __repr__(self) -> str:
        if self.value is None:
            return _("empty")
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, str):
            return repr("…" if "://" in self.value else self.value if len(self.value) < 80 else self.value[:60] + "…")
        if isinstance(self.value, (Mapping, Sequence)):
            return _("a mapping") if isinstance(self.value, Mapping) else _("a list")
        return repr(self.value)[:80]

    __str__ = __repr__


def ascii_host(text: str) -> str | None:
    """A host name with letters beyond ASCII as the name system and TLS know it ("xn--…"); None where it is none."""
    try:
        name = text.encode("idna").decode()
    except UnicodeError:
        return None
    return name if name != text and HOST.fullmatch(name) else None


def bad_name(name: object) -> str:
    """What is said of a name that does not fit NAME."""
    return _("should be small letters, digits and hyphens, 40 at most, not {name!r}").format(name=Said(name))


def duration(value: object) -> float:
    """Seconds of a Compose duration ("30m", "1h30m", "500ms") or a number of seconds; a year at most.

    Raises ValueError.
    """
    found = _seconds(value)
    if found is not None and 0 <= found <= YEAR:
        return found
    raise ValueError(_("should be a duration such as 30s, 5m or 1h30m, not {value!r}").format(value=Said(value)))


def _seconds(value: object) -> float | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(max(-1, min(value, YEAR + 1)))  # an integer may be larger than any float
    if not isinstance(value, str) or not value:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return float(value)
    match = DURATION.fullmatch(value)
    hours, minutes, seconds, millis = (float(part or 0) for part in match.groups()) if match else (-1.0, 0.0, 0.0, 0.0)
    return hours * 3600 + minutes * 60 + seconds + millis / 1000


def size(value: object) -> int:
    """Bytes of a size such as "20g", "512m", or a plain number of bytes; under an exbibyte. Raises ValueError."""
    found: float = -1
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    elif isinstance(value, str) and (match := SIZE.fullmatch(value.strip())):
        found = float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " ")
    if 0 <= found < EXBIBYTE:
        return int(found)
    raise ValueError(_("should be a size such as 512m or 20g, not {value!r}").format(value=Said(value)))


def key_file(value: object) -> str:
    """The file of a key. It is read without Compose, so no variable is put in. Raises ValueError."""
    if isinstance(value, str) and KEY_FILE.fullmatch(value):
        return value
    raise ValueError(
        _("should be an absolute path without variables, such as /etc/celadon/shop.key, not {value!r}").format(
            value=Said(value)
        )
    )


def whole(value: object) -> object:
    """`value`, unless it is true or false, which Python would count as 1 and 0. Raises ValueError."""
    if isinstance(value, bool):
        raise ValueError(_("should be a whole number, not {value!r}").format(value=Said(value)))
    return value


def size_or_auto(value: object) -> int:
    """As `size`; 0 for "auto"."""
    return 0 if value == "auto" else size(value)


@dataclass(frozen=True)
class Listen:
    """A port of the host that a router publishes, on one address or ("") on all."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}" if self.address else str(self.port)

    @property
    def reachable_at(self) -> str:
        """An address of this host at which the port answers."""
        return self.address if self.address not in ("", "0.0.0.0") else "127.0.0.1"  # noqa: S104


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def listen(value: object) -> Listen:
    """A port (4400) or an address with a port ("127.0.0.1:4400"). Raises ValueError."""
    if isinstance(value, Listen):
        return value
    address, colon, port = str(value).rpartition(":")
    good = not colon or _is_ipv4(address)
    if isinstance(value, (int, str)) and not isinstance(value, bool) and good and re.fullmatch(r"[0-9]{1,5}", port):
        number = int(port)
        if 1 <= number <= 65535:
            return Listen(address, number)
    raise ValueError(
        _('should be a port from 1 to 65535, or "ADDRESS:PORT" such as "127.0.0.1:4400", not {value!r}').format(
            value=Said(value)
        )
    )
