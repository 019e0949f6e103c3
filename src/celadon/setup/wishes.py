"""What the operator says on the command line or when asked: it wins over all that is found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from celadon.config.workspace import choose
from celadon.errors import UsageError
from celadon.locale import _

ENVIRONMENTS = ("staging", "production")
KEYS = ("folder", "port", "route", "host", "health", "strip_prefix", "strategy", "mem_limit", "branch")
NONE = "none"  # port=none: a worker; route=none: only other services ask it


@dataclass(frozen=True)
class Wishes:
    """Texts as they were typed; of a service and of an environment by name."""

    name: str = ""
    host: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)
    listens: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def public_host(self) -> str:
        """The server's name: as it was said, or that of the first address."""
        return self.host or next((urlsplit(url).hostname or "" for url in self.urls.values()), "")

    def of(self, service: str, key: str) -> str:
        return self.services.get(service, {}).get(key, "")

    def answered(self, service: str, key: str, value: str) -> "Wishes":
        """With an answer more; `service` "" is the workspace itself."""
        if not service:
            return replace(self, name=value) if key == "name" else replace(self, host=value)
        return replace(self, services={**self.services, service: {**self.services.get(service, {}), key: value}})


def by_environment(flag: str, texts: Iterable[str]) -> dict[str, str]:
    """ENV=VALUE, several times. Raises UsageError."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not value:
            raise UsageError(
                _("{flag} should be ENV=VALUE, not {text!r}.").format(flag=flag, text=text),
                hint=_("Such as {flag} staging=…").format(flag=flag),
            )
        found[choose(name, ENVIRONMENTS, _("environment"))] = value
    return found


def by_service(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """NAME,KEY=VALUE,…, several times. Raises UsageError."""
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        name, *pairs = text.split(",")
        keys = found.setdefault(name, {})
        for pair in pairs:
            key, equals, value = pair.partition("=")
            if key not in KEYS or not equals or not value or not name:
                raise UsageError(
                    _("--service should be NAME,KEY=VALUE,… with keys out of {keys}, not {text!r}.").format(
                        keys=", ".join(KEYS), text=text
                    ),
                    hint=_("Such as --service saleshub,port=4010,route=/saleshub,health=/api/health"),
                )
            keys[key] = value
    return found
