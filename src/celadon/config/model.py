"""The shape of `x-celadon`: what may be written there, its units, its defaults."""

import ipaddress
import re
import shlex
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from celadon.config import values
from celadon.config.notify import Notified
from celadon.config.secrets import Secrets
from celadon.config.values import Listen
from celadon.locale import _

LEAST = 64 << 20  # bytes: no build gets far with less
Seconds = Annotated[float, BeforeValidator(values.duration)]
Bytes = Annotated[int, BeforeValidator(values.size)]
Port = Annotated[int, Field(ge=1, le=65535)]
Listening = Annotated[Listen, BeforeValidator(values.listen)]


def _not_empty(value: tuple[Listen, ...]) -> tuple[Listen, ...]:
    if not value:  # not min_length: pydantic would count a wrong entry as none, and hide what is wrong with it
        raise ValueError(_("should not be empty"))
    return value


Doors = Annotated[tuple[Listening, ...], AfterValidator(_not_empty)]


def _matches(pattern: re.Pattern[str], message: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(_(message).format(value=value))
        return value

    return AfterValidator(check)


NginxSize = Annotated[str, _matches(values.NGINX_SIZE, "should be a size such as 50m, not {value!r}")]
Route = Annotated[
    str, _matches(values.ROUTE, "should begin with / and not end with it, such as /shop or /, not {value!r}")
]
Path = Annotated[str, _matches(re.compile(r"/[^\s{};\"'\\]*"), "should be a path such as /api/health, not {value!r}")]
Host = Annotated[str, _matches(values.HOST, "should be a host name such as shop.example.com, not {value!r}")]


class Options(BaseModel):
    """What all parts of `x-celadon` share: they are frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Git(Options):
    """Where a service's source comes from. Without `url`, the checkout in the build folder says it."""

    url: str | None = None
    branch: str | None = None

    @field_validator("url", "branch")
    @classmethod
    def _not_an_option(cls, value: str | None) -> str | None:
        if value is not None and "::" in value:
            raise ValueError(_("should be an https, ssh or file address: git would run a helper for `::`"))
        if value is not None and (value.startswith("-") or not value or re.search(r"[\s\x00-\x1f]", value)):
            raise ValueError(_("should not be empty, begin with - or hold white space"))
        return value


class Health(Options):
    """How a service says that it is ready. `path` is relative to the route; `good` answers in a row are asked for."""

    path: Path
    within: Seconds = 45.0
    good: Annotated[int, Field(ge=1, le=100)] = 3
    timeout: Seconds = 5.0


def _health(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


def _command(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(shlex.split(value))
    except ValueError as problem:
        raise ValueError(_("cannot be split into words: {problem}").format(problem=problem)) from None


class ServiceOptions(Options):
    """`x-celadon` of one service."""

    git: Git | None = None
    port: Port | None = None
    route: Route | None = None
    host: Host | None = None
    health: Annotated[Health | None, BeforeValidator(_health)] = None
    strip_prefix: bool = False
    release: Annotated[tuple[str, ...] | None, BeforeValidator(_command)] = None
    strategy: Literal["overlap", "replace"] = "overlap"
    timeout: Seconds | None = None
    client_max_body_size: NginxSize | None = None


class Tls(Options):
    """Certificate files and the ports that answer with them; with `redirect`, plain ports send browsers there."""

    certificate: str
    key: str
    listen: Doors
    redirect: bool = True


class EnvironmentOptions(Options):
    """One environment: what it listens on, its public address, where promotes come from."""

    listen: Doors
    url: str
    from_: str | None = Field(default=None, alias="from")
    tls: Tls | None = None
    watch: Seconds = 10.0
    drain: Seconds = 30.0
    notify: Notified | None = None
    secrets: Secrets | None = None

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(values.HOST.fullmatch(parts.hostname or ""))
            good = good and parts.path in ("", "/") and not parts.query and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ValueError(_("should be an address such as http://example.com:4400, without a path, not {value!r}")
                             .format(value=value))  # fmt: skip
        return value.rstrip("/")


class RouterOptions(Options):
    """The nginx in front of each environment."""

    image: str = "nginx:1.30"
    network: Literal["bridge", "host"] = "bridge"
    client_max_body_size: NginxSize = "50m"
    timeout: Seconds = 60.0
    template: str | None = None
    trusted_proxies: tuple[str, ...] = ()

    @property
    def on_host(self) -> bool:
        """Whether nginx listens on the host's own ports: no restart of the engine is then in the users' way."""
        return self.network == "host"

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(
                    _("should hold networks such as 10.0.0.0/8, not {value!r}").format(value=network)
                ) from None
        return value


def _not_a_slip(value: int) -> int:
    if 0 < value < LEAST:
        raise ValueError(_("should be at least 64m: a number without a unit is bytes"))
    return value


class BuildOptions(Options):
    """Limits of builds, and how long to wait for somebody else's deployment. `memory` 0 is "auto"."""

    memory: Annotated[int, BeforeValidator(values.size_or_auto), AfterValidator(_not_a_slip)] = 0
    cpus: Annotated[float, Field(ge=0.1)] | None = None
    uncapped: Literal["refuse", "warn"] = "refuse"
    timeout: Seconds = 1800.0
    lock_timeout: Seconds = 3600.0


class DiskOptions(Options):
    """What Celadon leaves free where the engine keeps images and build cache; 0 is "auto", see `plan.space`."""

    floor: Annotated[int, BeforeValidator(values.size_or_auto), Field(ge=0)] = 0


class WorkspaceOptions(Options):
    """`x-celadon` at the top of the file."""

    environments: dict[str, EnvironmentOptions] = Field(min_length=1)
    router: RouterOptions = RouterOptions()
    build: BuildOptions = BuildOptions()
    disk: DiskOptions = DiskOptions()
    keep: Annotated[int, Field(ge=0, le=20)] = 2
    notify: Notified = ()
    secrets: Secrets | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        return {} if value is None else value
