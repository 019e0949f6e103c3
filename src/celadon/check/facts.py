"""What the rules are told, and what they say: plain values. Env files' values stand only in `EnvFile.text`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from celadon.check.access import EVERYBODYS, OWNERS, Access, Mount, User
from celadon.config.positions import Place, Positions

if TYPE_CHECKING:
    from celadon.adapters.buildx import Remark
    from celadon.config.workspace import EnvironmentConfig

ERROR, WARNING, INFO = "error", "warning", "info"
HERE = ""  # the file of a finding about this server


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that a rule found. Lines and columns count from 1; 0 where the finding has none.

    `services` are those that it is about, None for the whole workspace; `fix`: `celadon check --fix` mends it.
    """

    file: str
    line: int
    column: int
    rule: str
    severity: str
    what: str
    why: str
    mend: str
    services: tuple[str, ...] | None = field(default=None, compare=False)
    fix: bool = field(default=False, compare=False)

    @property
    def place(self) -> str:
        """Where it is, as editors and terminals take it; "" for this server."""
        return f"{self.file}:{self.line}:{self.column}" if self.file else ""

    def about(self, services: tuple[str, ...] | None) -> "Finding":
        return replace(self, services=services)

    def concerns(self, services: Collection[str]) -> bool:
        """Whether it is about one of `services`, or about all."""
        return self.services is None or any(name in services for name in self.services)


@dataclass(frozen=True)
class Rule:
    """A rule under its lasting name, with what is the same in all its findings; `mend` may have {words} to fill."""

    name: str
    severity: str
    why: str
    mend: str

    def at(self, file: str, place: Place, what: str, /, *, severity: str = "", **words: object) -> Finding:
        """What the rule found at `place`; `words` fill its `mend`."""
        mend = self.mend.format(**words) if words else self.mend
        return Finding(file, place.line, place.column, self.name, severity or self.severity, what, self.why, mend)


@dataclass(frozen=True)
class Build:
    """A Dockerfile and what lies around it. `text` None: there is none; `line` is where it begins in `file`.

    `ignore` is the text of its .dockerignore, `ignore_path` where that is or would be; `npmrcs` are texts by path in
    the build folder; `files` are names of other files of package managers there; `tracked` is what git has of the
    folder, None where it was not asked; `overridden` are instructions that the compose file speaks instead of, for
    each of its services (x-celadon.health: HEALTHCHECK); `memory` is the build's cap, bytes, 0 none.
    """

    file: str
    text: str | None
    services: tuple[str, ...]
    place: Place  # where the compose file asks for it
    source: str  # the compose file
    line: int = 1
    column: int = 1
    ignore: str | None = None
    ignore_path: str = ""
    tracked: frozenset[str] | None = None
    npmrcs: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    overridden: frozenset[str] = frozenset()
    memory: int = 0
    target: str = ""
    context: str = ""
    contexts: frozenset[str] = frozenset()  # names of the compose file's additional_contexts
    args: Mapping[str, Any] = field(default_factory=dict)  # the compose file's
    path: str = ""  # of the Dockerfile; "" where the compose file holds it
    remarks: "tuple[Remark, ...] | None" = ()  # BuildKit's own; None where it could not look

    def inside(self, place: Place) -> Place:
        """A place in the text as one in its file: they differ where the compose file holds the text."""
        return Place(place.line + self.line - 1, place.column + self.column - 1)


# What git says of a file that should stay out of it; UNSAID where it refuses to say, OUTSIDE where there is none.
TRACKED, IGNORED, OPEN, UNSAID, OUTSIDE = "tracked", "ignored", "open", "unsaid", "outside"


@dataclass(frozen=True)
class EnvFile:
    """An env file of the checked environments; `git` is what git says of it.

    `services` read it; None: the compose file itself does.
    """

    file: str
    path: str
    text: str = field(repr=False)
    access: Access = OWNERS
    git: str = IGNORED
    mounts: tuple[Mount, ...] = ()
    services: tuple[str, ...] | None = ()


@dataclass(frozen=True)
class KeyFile:
    """A key or certificate. `private` where its first lines, or else its name, say so; `services` None: the routers."""

    file: str
    path: str
    private: bool
    access: Access = OWNERS
    git: str = IGNORED
    mounts: tuple[Mount, ...] = ()
    services: tuple[str, ...] | None = ()


@dataclass(frozen=True)
class Stray:
    """A file that git has and should not: a private key, an env file with secrets (`held`), or Celadon's own state."""

    file: str
    kind: str
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unsafe:
    """A file that whoever pushes could let lead anywhere, and that was not read; `reason` follows its name."""

    file: str
    reason: str
    services: tuple[str, ...] | None = None


KEY, ENV, STATE = "key", "env", "state"  # kinds of strays


@dataclass(frozen=True)
class Engine:
    """The engine, if it answered (`problem` is then "")."""

    live_restore: bool = True
    problem: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that was gathered.

    `env_of` are the paths of a service's env files, later ones winning, by (environment, service); `binds` says of a
    mounted path of the host whether it is a "file", a "folder" or "" (not there); `memory` is this machine's, bytes;
    `home` is who may do what with the compose file; `users` are those that services run as, where it is known;
    `strays` are files that git should not have, `unsafe` those that were not read.
    """

    raw: Positions
    file: str
    environments: tuple["EnvironmentConfig", ...]
    builds: tuple[Build, ...] = ()
    unseen: tuple[str, ...] = ()  # services whose source is not here
    env_files: tuple[EnvFile, ...] = ()
    env_of: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    keys: tuple[KeyFile, ...] = ()
    binds: Mapping[str, str] = field(default_factory=dict)
    memory: int = 0
    engine: Engine = Engine()
    home: Access = EVERYBODYS
    users: Mapping[str, User] = field(default_factory=dict)
    strays: tuple[Stray, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)  # of images that the engine has, by name; "" without one
    unsafe: tuple[Unsafe, ...] = ()

    @property
    def guarded(self) -> tuple["EnvFile | KeyFile", ...]:
        """The files that hold secrets."""
        return (*self.env_files, *self.keys)

    def definitions(self) -> list[tuple["EnvironmentConfig", str, Mapping[str, Any]]]:
        """Every service of every environment, backing services as well: (environment, name, what Compose made)."""
        return [
            (config, name, definition)
            for config in self.environments
            for name, definition in (*((n, s.definition) for n, s in config.services.items()), *config.backing.items())
        ]
