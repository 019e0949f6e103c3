"""The ways to hold a build at its cap: how each is set, what Buildx is told, and what the kernel then knows of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from celadon.adapters import buildx, cgroup, docker, engine, host
from celadon.adapters.cgroup import Usage
from celadon.adapters.sandbox import Sandbox
from celadon.config.model import BuildOptions
from celadon.errors import CommandError, RefusedError
from celadon.locale import _
from celadon.state.snapshot import Builder

TRIAL_GROUP, TRIAL_CAP, TRIAL_WANTS = "celadon-trial", 48 << 20, 200_000_000  # bytes
CONTAINER = "docker-container"  # the driver of builders that are a container
CREATE = f"docker buildx create --name {{name}} --driver {CONTAINER} --driver-opt memory=2g,memory-swap=2g"
START = "docker buildx inspect --bootstrap {name}"
YIELDING = 2  # CPU shares: the least that the kernel knows


@dataclass(frozen=True)
class Trial:
    """A build that wants more than its cap, in bytes, to see whether `way` holds it."""

    way: "Way"
    cap: int
    wants: int


class Way(Protocol):
    """One way to hold a build. `mark` begins with its kind (group, step, builder) and tells what it is tied to; `sure`:
    what it counts is of this build alone."""

    @property
    def mark(self) -> str: ...
    @property
    def sure(self) -> bool: ...
    def limit(self, cap: int) -> None:
        """Set the cap, in bytes. Raises OSError or CommandError."""

    def flags(self, cap: int) -> tuple[str, ...]:
        """What Buildx is told."""

    def usage(self) -> Usage:
        """What the build uses, and how often the kernel ended something for it; bytes."""

    def trial(self) -> Trial: ...
    def more(self, wanted: int) -> str:
        """What a user does to let builds take `wanted` bytes."""


@dataclass(frozen=True)
class Group:
    """A control group above all steps of the engine's own builder: the sum of what runs at one time is held."""

    cpus: float | None
    sandbox: Callable[[], Sandbox]
    group: str = cgroup.GROUP

    @property
    def mark(self) -> str:
        return "group"

    @property
    def sure(self) -> bool:
        return cgroup.version() == 2  # version 1 counts a page cache at the limit as well

    def limit(self, cap: int) -> None:
        cgroup.limit(cap, self.cpus, self.sandbox, self.group)

    def flags(self, cap: int) -> tuple[str, ...]:
        return (*buildx.chosen(None), "--cgroup-parent", f"/{self.group}")

    def usage(self) -> Usage:
        return cgroup.usage(self.group)

    def trial(self) -> Trial:
        return Trial(Group(None, self.sandbox, TRIAL_GROUP), TRIAL_CAP, TRIAL_WANTS)

    def more(self, wanted: int) -> str:
        return _more_by_the_file(wanted)


@dataclass(frozen=True)
class EachStep:
    """Buildx's `--resource` (from 0.35 on), where the control groups of builds are out of reach: an engine without
    root, a builder without limits. Each step is held, not the sum of steps side by side; an older BuildKit silently
    holds nothing.
    """

    cpus: float | None
    builder: str | None = None

    @property
    def mark(self) -> str:
        return " ".join(["step", *buildx.chosen(self.builder)[1:], *engine.plugin("buildx")])

    @property
    def sure(self) -> bool:
        return False

    def limit(self, cap: int) -> None:
        """Nothing is set: each build is told."""

    def flags(self, cap: int) -> tuple[str, ...]:
        limits = {"memory": cap, "memory-swap": cap, "cpu-shares": YIELDING}
        if self.cpus:
            limits |= {"cpu-quota": int(self.cpus * cgroup.PERIOD), "cpu-period": cgroup.PERIOD}
        words = [word for key, value in limits.items() for word in ("--resource", f"{key}={value}")]
        return (*buildx.chosen(self.builder), *words)

    def usage(self) -> Usage:
        return Usage(0, cgroup.killed_by_the_host())

    def trial(self) -> Trial:
        return Trial(self, TRIAL_CAP, TRIAL_WANTS)

    def more(self, wanted: int) -> str:
        return _more_by_the_file(wanted)


@dataclass
class Contained:
    """A builder that is a container of this engine, under that container's own limits."""

    builder: Builder
    pid: int = 0

    @property
    def mark(self) -> str:
        return f"builder {self.builder.container} {self.builder.memory}"

    @property
    def sure(self) -> bool:
        return False

    def limit(self, cap: int) -> None:
        """What limits there are, the builder's owner has set; it is only started."""
        if not self.builder.container:
            words = _("it builds elsewhere (driver {driver}), not in a container of this engine")
            raise OSError(words.format(driver=self.builder.driver))
        if not self.builder.memory:
            raise OSError(_("its container has no memory limit. {command}").format(command=self.builder.bounded("2g")))
        buildx.start(self.builder.name)
        self.pid = docker.limits(self.builder.container)[2]

    def flags(self, cap: int) -> tuple[str, ...]:
        return buildx.chosen(self.builder.name)

    def usage(self) -> Usage:
        return Usage(host.memory_of(self.pid) or 0, cgroup.killed_by_the_host())

    def trial(self) -> Trial:
        return Trial(self, self.builder.memory, self.builder.memory + self.builder.memory // 8)

    def more(self, wanted: int) -> str:
        return _("Let the builder take more: {command}").format(command=self.builder.bounded(f"{wanted >> 20}m"))


def _more_by_the_file(wanted: int) -> str:
    return _("Let builds take more: x-celadon.build.memory: {wanted}m").format(wanted=wanted >> 20)


def offered(options: BuildOptions, builder: Builder | None, sandbox: Callable[[], Sandbox]) -> list[Way]:
    """The ways that the file leaves, the best first: what holds all steps together before what holds each."""
    if builder:
        return [Contained(builder), EachStep(options.cpus, builder.name)]
    return [Group(options.cpus, sandbox), EachStep(options.cpus)]


def builder(options: BuildOptions) -> Builder | None:
    """The builder that the file names, None for the engine's own. Raises RefusedError where it is not there."""
    if options.builder is None or buildx.is_own(options.builder):
        return None
    try:
        driver, nodes = buildx.inspect(options.builder)
    except CommandError as error:
        raise RefusedError(
            _("There is no builder {name}, which x-celadon.build.builder names.").format(name=options.builder),
            evidence=error.tail[-2:],
            hint=CREATE.format(name=options.builder),
        ) from None  # fmt: skip
    if driver != CONTAINER or len(nodes) != 1:
        return Builder(options.builder, driver)
    container = f"buildx_buildkit_{nodes[0]}"
    try:
        memory, cpus, _pid = docker.limits(container)
    except CommandError as error:
        raise RefusedError(
            _("The builder {name} has no container on this engine.").format(name=options.builder),
            evidence=error.tail,
            hint=START.format(name=options.builder),
        ) from None
    return Builder(options.builder, driver, container, memory, cpus)
