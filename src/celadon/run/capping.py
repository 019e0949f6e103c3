"""Builds under a cap of the kernel: whether it really holds on this host, and words for a build that met it."""

import platform
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from celadon.adapters import buildx, cgroup, docker, engine, host
from celadon.errors import BuildError, CommandError, RefusedError
from celadon.locale import _, numbers
from celadon.plan import admission
from celadon.run.world import World
from celadon.state.layout import cap_file, write_private
from celadon.state.snapshot import Memory

TRIAL_GROUP, TRIAL_CAP, TRIAL_WANTS = "celadon-trial", 48 << 20, 200_000_000  # bytes
# Holds what it reads in memory; the kernel ends it where the cap holds, and the count is short.
TRIAL = 'FROM {image}\nRUN test "$(head -c {wants} /dev/zero | tail -c {wants} | wc -c)" = {wants}\n'
LOOK = 0.2  # seconds between two looks at what a build uses
STEP = 256 << 20  # a new cap is proposed in such steps
KILLED = re.compile(
    r"exit code: 137|cannot allocate memory|ResourceExhausted|\bKilled\b|SIGKILL|BrokenProcessPool", re.IGNORECASE
)
NODE = re.compile(r"\b(node|npm|npx|yarn|pnpm|next|vite|webpack|tsc)\b")
NODE_HEAP = re.compile(r"JavaScript heap out of memory")


@contextmanager
def capped(world: World) -> Iterator[str]:
    """Builds in the body run under the cap; yields the name of their control group, "" where the host has no cap.

    Raises RefusedError where memory is short or no cap holds (unless the file says that a warning is enough); a
    BuildError of the body is given words for what memory had to do with it.
    """
    options, memory = world.config.settings.build, Memory(*host.memory())
    cap = admission.build_memory(options, memory)
    why_not = _why_not(world) or _limited(world, cap)
    if why_not:
        if options.uncapped == "refuse":
            raise RefusedError(
                _("The kernel of this host does not hold a cap on builds: one could take production's memory."),
                evidence=[why_not],
                hint=_("To build all the same: x-celadon.build.uncapped: warn"),
            )
        world.report.note(_("This build is not capped: {reason}").format(reason=why_not))
        yield ""
        return
    with Watched(cap) as watched:
        try:
            yield cgroup.GROUP
        except BuildError as failure:
            watched.over.set()
            raise _in_words(world, failure, watched) from failure
    world.report.log(_("memory of the build: at most {peak} of {cap}").format(
        peak=numbers.size(watched.peak), cap=numbers.size(cap)))  # fmt: skip


def _limited(world: World, cap: int) -> str:
    """Set the cap; returns why it could not be set, "" where it was."""
    try:
        cgroup.limit(cap, world.config.settings.build.cpus, world.config.settings.router.image)
    except (OSError, CommandError) as problem:
        return _("no control group can be limited: {problem}").format(problem=problem)
    return ""


@dataclass
class Watched:
    """What a build used at most, in bytes, and whether the kernel had to end something of it."""

    cap: int
    peak: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watched":
        self._before, self._host_before = cgroup.usage(), cgroup.killed_by_the_host()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._looking.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self._looking.join()
        self.peak = max(self.peak, cgroup.usage().most)

    def _look(self) -> None:
        while not self.over.wait(LOOK):
            self.peak = max(self.peak, cgroup.usage().most)

    @property
    def met_the_cap(self) -> bool:
        return cgroup.usage().met != self._before.met

    @property
    def host_killed(self) -> bool:
        return cgroup.killed_by_the_host() > self._host_before


def _in_words(world: World, failure: BuildError, watched: Watched) -> BuildError:
    """A failure with memory's part in it, where it had one."""
    told = "\n".join([failure.cause, *failure.evidence])
    facts = [_beside(world), *failure.evidence]
    node = _(" For Node: ENV NODE_OPTIONS=--max-old-space-size={heap}").format(heap=int(watched.cap * 0.75) >> 20)

    def explained(message: str, hint: str, *first: str) -> BuildError:
        message = message.format(service=failure.service, step=failure.step, cap=numbers.size(watched.cap))
        return BuildError(message, service=failure.service, step=failure.step, evidence=[*first, *facts], hint=hint,
                          cause=failure.cause)  # fmt: skip

    if NODE_HEAP.search(told):
        return explained(_("{service}: Node's own heap limit ended {step}, not the cap of {cap}."),
                         _("Let it use more of the cap.") + node)  # fmt: skip
    if not KILLED.search(told) and not (watched.met_the_cap and cgroup.version() == 2):
        return failure  # version 1 counts a page cache at the limit as well: there the words must agree
    if watched.met_the_cap:
        peak = _("the build used {peak} of {cap} when the kernel ended it").format(
            peak=numbers.size(max(watched.peak, watched.cap)), cap=numbers.size(watched.cap)
        )
        hint = _more(world, watched.cap) + (node if NODE.search(failure.step) else "")
        return explained(_("{service}: {step} wanted more memory than a build may take ({cap})."), hint, peak)
    if watched.host_killed:
        return explained(
            _("{service}: {step} was killed while the kernel ended processes of this server for lack of memory."),
            _("Look at what runs beside it. A lower x-celadon.build.memory ends the build before it harms the server."),
        )
    if "exit code: 137" not in failure.cause:
        return failure
    return explained(
        _("{service}: {step} was ended by SIGKILL, and not for memory."), _("Somebody ended it, or the step itself.")
    )


def _beside(world: World) -> str:
    """What else took memory, the largest first."""
    memory = Memory(*host.memory())
    used = [(host.memory_of(c.pid) or 0, c.name) for c in docker.containers(world.config.workspace) if c.running]
    largest = ", ".join(f"{name} {numbers.size(bytes_)}" for bytes_, name in sorted(used, reverse=True)[:3])
    return _("beside it: {largest}; free on the host: {free} of {total}").format(
        largest=largest or _("nothing of this workspace"), free=numbers.size(memory.free),
        total=numbers.size(memory.total),
    )  # fmt: skip


def _more(world: World, cap: int) -> str:
    memory = Memory(*host.memory())
    wanted = (int(cap * 1.5) // STEP + 1) * STEP
    try:
        admission.build_memory(world.config.settings.build.model_copy(update={"memory": wanted}), memory)
    except RefusedError:
        return _("This server has no more to give beside what runs: let the step take less (fewer jobs at a time), "
                 "give the server more memory, or build elsewhere and name `image:` instead of `build:`.")  # fmt: skip
    return _("Let builds take more: x-celadon.build.memory: {wanted}m").format(wanted=wanted >> 20)


def _why_not(world: World) -> str:
    """Why no cap holds here, "" where one does: tried with a build that wants too much, until it held, once a boot."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    host_is = f"{boot} {platform.release()} {engine.ask('GET', '/version')['Version']}"
    with suppress(OSError):
        if cap_file().read_text() == host_is:
            return ""
    world.report.detail(_("trying whether the kernel holds a cap on builds"))
    why_not = _tried(world)
    if not why_not:
        write_private(cap_file(), host_is)
    return why_not


def _tried(world: World) -> str:
    image = world.config.settings.router.image
    try:
        cgroup.limit(TRIAL_CAP, None, image, TRIAL_GROUP)
    except (OSError, CommandError) as problem:
        return _("no control group can be limited: {problem}").format(problem=problem)
    before = cgroup.usage(TRIAL_GROUP).met
    with tempfile.TemporaryDirectory() as folder:
        definition = {"dockerfile_inline": TRIAL.format(image=image, wants=TRIAL_WANTS), "no_cache": True}
        words = buildx.argv(definition, Path(folder), "", {}, {}, TRIAL_GROUP)
        try:
            buildx.build(words, definition, "trial", 120, world.report.log, lambda _step: None)
        except BuildError as failure:
            if cgroup.usage(TRIAL_GROUP).met != before:
                return ""
            last = (failure.cause or failure.message, *failure.evidence)[-1]
            return _("it cannot be tried, a trial build failed: {problem}").format(problem=last)
    return _("a trial build took more memory than its cap")
