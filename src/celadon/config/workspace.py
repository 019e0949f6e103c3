"""What everyone else consumes: the workspace, rendered for one environment."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from celadon.errors import UsageError
from celadon.locale import _

if TYPE_CHECKING:  # pydantic costs 130 ms: verbs that only read the outline never import it
    from celadon.config.model import EnvironmentOptions, ServiceOptions, WorkspaceOptions
    from celadon.config.notify import Notify
    from celadon.config.policy import Policy


def nearest(wished: str, known: Iterable[str]) -> str | None:
    """The one of `known` that was probably meant: nearly the same letters, or a longer word that begins so."""
    names, begun = {name.lower(): name for name in known}, wished.lower()
    longer = [name for name in names if len(begun) > 2 and name.startswith(begun)]
    near = longer[:1] if len(longer) == 1 else difflib.get_close_matches(begun, names, 1)
    return names[near[0]] if near else None


def choose(wished: str, known: Iterable[str], kind: str) -> str:
    """`wished` if it is one of `known`; raises UsageError with the nearest name otherwise. `kind` is translated."""
    names = list(known)
    if wished in names:
        return wished
    near = nearest(wished, names)
    hint = _("Did you mean `{name}`?").format(name=near) if near else ""
    raise UsageError(
        _("There is no {kind} `{name}`; there are: {known}.").format(
            kind=kind, name=wished, known=", ".join(names) or _("none")
        ),
        hint=hint,
    )


class Rendered(NamedTuple):
    """What Compose made of the file: YAML, and what it warned of meanwhile, in its own words."""

    text: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outline:
    """Names only, read from the file without Docker: enough for completion and for verbs that look."""

    name: str
    folder: Path
    file: Path
    environments: tuple[str, ...]
    services: tuple[str, ...]
    promoted: Mapping[str, str] = field(default_factory=dict)  # environment → the one it takes its releases from
    key: str = ""  # the file of the key that what Celadon keeps is encrypted with

    def environment(self, name: str) -> str:
        """Raises UsageError with the nearest name when there is no such environment."""
        return choose(name, self.environments, _("environment"))

    def service(self, name: str) -> str:
        """Raises UsageError with the nearest name when there is no such service."""
        return choose(name, self.services, _("service"))


@dataclass(frozen=True)
class Service:
    """One service that Celadon deploys. `definition` is what `docker compose config` made of it, less `x-celadon`."""

    name: str
    options: "ServiceOptions"
    definition: Mapping[str, Any]

    @property
    def routed(self) -> bool:
        return self.options.route is not None

    @property
    def public_health_path(self) -> str | None:
        """The path that users would ask: route + health."""
        if self.options.health is None:
            return None
        return (self.options.route or "").rstrip("/") + self.options.health.path

    @property
    def probe_path(self) -> str | None:
        """The path that the router would send to the service for `public_health_path`."""
        if self.options.health is None:
            return None
        return self.options.health.path if self.options.strip_prefix else self.public_health_path


@dataclass(frozen=True)
class EnvironmentConfig:
    """The workspace rendered for one environment. `backing` are services without `x-celadon`, as Compose has them.

    `text` is what `load_frozen` makes this of again; `template` is the text of the router's own template, if any;
    `warnings` are Compose's own words, which may quote a value: they are told by `check.warned` only.
    """

    workspace: str
    name: str
    folder: Path
    file: Path
    options: "EnvironmentOptions"
    settings: "WorkspaceOptions"
    services: Mapping[str, Service]
    backing: Mapping[str, Mapping[str, Any]]
    volumes: Mapping[str, Mapping[str, Any]]
    networks: Mapping[str, Mapping[str, Any]]
    secrets: Mapping[str, Mapping[str, Any]]
    configs: Mapping[str, Mapping[str, Any]]
    text: str
    template: str | None = None
    warnings: tuple[str, ...] = field(default=(), repr=False)

    @property
    def project(self) -> str:
        """The name of the environment's Compose project."""
        return f"{self.workspace}-{self.name}"

    @property
    def network(self) -> str:
        """The name of the environment's Docker network."""
        return f"{self.project}_default"

    @property
    def notify(self) -> Mapping[int, "Notify"]:
        """Who is told what happens here, by the place in its list, from 1; those that are not set are left out."""
        own = self.options.notify
        every = self.settings.notify if own is None else own
        return {place: one for place, one in enumerate(every, 1) if one.url.get_secret_value()}

    @property
    def policy(self) -> "Policy":
        """What must hold before an image starts here: the environment's own policy, or that of all."""
        return self.options.policy or self.settings.policy

    def service(self, name: str) -> Service:
        """Raises UsageError with the nearest name when there is no such service."""
        return self.services[choose(name, self.services, _("service"))]
