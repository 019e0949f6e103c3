"""The shape of `x-celadon`: what may be written there, its units, its defaults."""

import re
import shlex
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from celadon.config import values
from celadon.config.fields import (
    BuilderName,
    Bytes,
    CacheGroup,
    Doors,
    GroupName,
    Host,
    KeyFile,
    Memory,
    Network,
    NginxSize,
    Path,
    Patience,
    Port,
    Route,
    Seconds,
    Text,
    in_editors,
)
from celadon.config.notify import Notified
from celadon.config.policy import Policy
from celadon.config.secrets import Secrets
from celadon.locale import _

# What nobody is served by. Where an earlier Celadon took a value that this one refuses, the default stands in for it.
SPARED = frozenset({"cpus", "drain", "encryption", "floor", "git", "good", "keep", "lock_timeout", "memory", "notify",
                    "policy", "timeout", "watch", "within"})  # fmt: skip


RAN = "ran"  # the context in which what was kept is validated


class Options(BaseModel):
    """What all parts of `x-celadon` share: they are frozen, and an unknown key is a mistake.

    What is kept of an earlier rendering is validated with a context: it ran as it is, and no team can mend it, so that
    a rollback must not fail for a rule that is newer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    @classmethod
    def of_kept(cls, value: Any) -> Self:
        """What ran once."""
        return cls.model_validate(value, context=RAN)

    @field_validator("*", mode="wrap")
    @classmethod
    def _as_it_ran(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return handler(value)
        except ValidationError:
            if info.context is None or info.field_name not in SPARED:
                raise
            return cls.model_fields[info.field_name].get_default()


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
    within: Patience = 45.0
    good: Annotated[int, Field(ge=1, le=100), BeforeValidator(values.whole)] = 3
    timeout: Patience = 5.0


def _health(value: object) -> object:
    if value is not None and not isinstance(value, (str, dict, Health)):
        raise ValueError(_("should be a path such as /api/health, or a mapping with `path`"))
    return {"path": value} if isinstance(value, str) else value


def _command(value: object) -> object:
    if value is not None and not isinstance(value, (str, list, tuple)):
        raise ValueError(_("should be a command such as `npm run migrate`, or a list of its words"))
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
    health: Annotated[Health | None, BeforeValidator(_health, json_schema_input_type=Path | Health)] = None
    strip_prefix: bool = False
    release: Annotated[
        tuple[str, ...] | None, BeforeValidator(_command, json_schema_input_type=str | tuple[str, ...])
    ] = None
    strategy: Literal["overlap", "replace"] = "overlap"
    timeout: Patience | None = None
    client_max_body_size: NginxSize | None = None
    build_cache: CacheGroup | None = None


class Tls(Options):
    """Certificate files and the ports that answer with them; with `redirect`, plain ports send browsers there."""

    certificate: Text
    key: Text
    listen: Doors
    redirect: bool = True


class EnvironmentOptions(Options):
    """One environment: what it listens on, its public address, where promotes come from."""

    listen: Doors
    url: Annotated[str, in_editors("string", r"https?://[^/?#\s]+/?")]
    from_: str | None = Field(default=None, alias="from")
    tls: Tls | None = None
    watch: Seconds = 10.0
    drain: Seconds = 30.0
    notify: Notified | None = None
    secrets: Secrets | None = None
    policy: Policy | None = None
    deployers: GroupName | None = None

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str, info: ValidationInfo) -> str:
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(values.HOST.fullmatch(parts.hostname or ""))
            good = good and parts.path in ("", "/") and parts.port != 0
            good = good and not (parts.query or parts.fragment or parts.username)
        except ValueError:
            good = False
        if not good and info.context is None:
            words = _("should be an address such as http://example.com:4400, without a path, not {value!r}").format(
                value=re.sub("//[^/]*@", "//…@", value)
            )
            if near := values.ascii_host(value.partition("://")[2]):
                words = _("{words}; did you mean {near}?").format(words=words, near=near)
            raise ValueError(words)
        return value.rstrip("/")


class RouterOptions(Options):
    """The nginx in front of each environment."""

    image: Text = "nginx:1.30"
    network: Literal["bridge", "host"] = "bridge"
    client_max_body_size: NginxSize = "50m"
    timeout: Patience = 60.0
    template: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    connections_per_address: Annotated[int, Field(ge=0, le=16384), BeforeValidator(values.whole)] = 1000

    @property
    def on_host(self) -> bool:
        """Whether nginx listens on the host's own ports: no restart of the engine is then in the users' way."""
        return self.network == "host"


class BuildOptions(Options):
    """Limits of builds, and how long to wait for somebody else's deployment. `memory` 0 is "auto".

    `builder` is one of Buildx's; None is the engine's own.
    """

    memory: Memory = 0
    builder: BuilderName | None = None
    cpus: Annotated[float, Field(ge=0.1, allow_inf_nan=False)] | None = None
    uncapped: Literal["refuse", "warn"] = "refuse"
    network: Literal["open", "isolated"] = "open"
    timeout: Patience = 1800.0
    lock_timeout: Seconds = 3600.0


class DiskOptions(Options):
    """What Celadon leaves free where the engine keeps images and build cache; 0 is "auto", see `plan.space`."""

    floor: Bytes = 0


class EncryptionOptions(Options):
    """What Celadon keeps is encrypted with the key in this file, which is to lie outside the workspace."""

    key: KeyFile


class WorkspaceOptions(Options):
    """`x-celadon` at the top of the file."""

    environments: dict[str, EnvironmentOptions] = Field(
        min_length=1, json_schema_extra={"propertyNames": {"pattern": f"^(?:{values.NAME.pattern})$"}}
    )
    router: RouterOptions = RouterOptions()
    build: BuildOptions = BuildOptions()
    disk: DiskOptions = DiskOptions()
    keep: Annotated[int, Field(ge=0, le=20), BeforeValidator(values.whole)] = 2
    notify: Notified = ()
    secrets: Secrets | None = None
    policy: Policy = Policy()
    encryption: EncryptionOptions | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        return {} if value is None else value
