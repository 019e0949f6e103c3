"""Builds under a cap of the kernel: by a way that was seen to hold on this host, and watched while they run."""

import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from celadon.adapters import buildx, cgroup, engine, host
from celadon.errors import BuildError, CommandError, RefusedError
from celadon.locale import _, numbers
from celadon.locale.words import capped_by
from celadon.plan import admission
from celadon.run import killed, router_image, ways
from celadon.run.ways import Way
from celadon.run.world import World
from celadon.state import caps
from celadon.state.snapshot import Memory

# The kernel ends what holds in memory all that it reads, where the cap holds, and the count is short.
TRIAL = """FROM {image}
RUN kept="$(head -c {wants} /dev/zero | tail -c {wants} | wc -c)"; echo "kept $kept"; test "$kept" = {wants}
"""
SHORT = re.compile(r"kept \s*\d*")
LOOK = 0.2  # seconds between two looks at what a build uses


@contextmanager
def capped(world: World) -> Iterator[tuple[str, ...]]:
    """Builds in the body run under the cap; yields the flags of Buildx that choose the builder and hold the build.

    Raises RefusedError where memory is short or no cap holds (unless the file says that a warning is enough); a
    BuildError of the body is given words for what memory had to do with it.
    """
    options = world.config.settings.build
    builder = ways.builder(options)
    cap = admission.build_memory(options, Memory(*host.memory()), builder)
    way, why_not = _way(world, ways.offered(options, builder, partial(router_image.sandbox, world)), cap)
    if way is None:
        if options.uncapped == "refuse":
            raise RefusedError(
                _("The kernel of this host does not hold a cap on builds: one could take production's memory."),
                evidence=why_not,
                hint=_("To build all the same: x-celadon.build.uncapped: warn"),
            )
        world.report.note(_("This build is not capped: {reason}").format(reason="; ".join(why_not)))
        yield buildx.chosen(options.builder)
        return
    world.report.log(_("a build gets at most {memory} of memory, by {way}").format(
        memory=numbers.size(cap), way=capped_by(way.mark)))  # fmt: skip
    with Watched(way, cap) as watched:
        try:
            yield way.flags(cap)
        except BuildError as failure:
            watched.over.set()
            raise killed.in_words(world, failure, watched.seen()) from failure
    if watched.peak:
        world.report.log(_("memory of the build: at most {peak} of {cap}").format(
            peak=numbers.size(watched.peak), cap=numbers.size(watched.cap)))  # fmt: skip


@dataclass
class Watched:
    """What a build used at most, in bytes, and whether the kernel had to end something of it."""

    way: Way
    cap: int
    peak: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watched":
        self._before, self._host_before = self.way.usage(), cgroup.killed_by_the_host()
        self._looking = threading.Thread(target=self._look, daemon=True)
        self._looking.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self._looking.join()
        self.peak = max(self.peak, self.way.usage().most)

    def _look(self) -> None:
        while not self.over.wait(LOOK):
            self.peak = max(self.peak, self.way.usage().most)

    def seen(self) -> killed.Seen:
        now = self.way.usage()
        return killed.Seen(self.way, self.cap, max(self.peak, now.most), now.met != self._before.met,
                           cgroup.killed_by_the_host() > self._host_before)  # fmt: skip


def _way(world: World, offered: Sequence[Way], cap: int) -> tuple[Way | None, list[str]]:
    """The first way that is known to hold, or does when it is tried, set to `cap`; else why none does.

    What held is believed until the next boot, kernel or engine; what did not is tried again with each build.
    """
    version = engine.ask("GET", "/version")["Version"]
    known, why_not = caps.known(version), []
    for way in sorted(offered, key=lambda way: way.mark not in known):
        problem = "" if way.mark in known else _tried(world, way)
        if not problem:
            caps.remember(version, way.mark)
            problem = _limited(way, cap)
        if not problem:
            return way, []
        why_not.append(f"{capped_by(way.mark)}: {problem}")
    return None, why_not


def _limited(way: Way, cap: int) -> str:
    """Set the cap; returns why it could not be set, "" where it was."""
    try:
        way.limit(cap)
    except (OSError, CommandError) as problem:
        return str(problem)
    return ""


def _tried(world: World, way: Way) -> str:
    """Build something that wants more than its cap; returns why that does not show that the cap holds, "" if it does.

    A nod is not enough: an older BuildKit takes a limit of each step without a word, and ignores it.
    """
    world.report.detail(_("trying whether the kernel holds a cap on builds: {way}").format(way=capped_by(way.mark)))
    trial = way.trial()
    if problem := _limited(trial.way, trial.cap):
        return problem
    before = trial.way.usage().met
    inline = TRIAL.format(image=world.config.settings.router.image, wants=trial.wants)
    definition = {"dockerfile_inline": inline, "no_cache": True}
    with tempfile.TemporaryDirectory() as folder:
        words = buildx.argv(definition, Path(folder), "", {}, {}, trial.way.flags(trial.cap))
        try:
            buildx.build(words, definition, "trial", 120, world.report.log, lambda _step: None)
        except BuildError as failure:
            if any(map(SHORT.fullmatch, failure.evidence)) and trial.way.usage().met != before:
                return ""
            last = (failure.cause or failure.message, *failure.evidence)[-1]
            return _("it cannot be tried, a trial build failed: {problem}").format(problem=last)
    return _("a trial build took more memory than its cap")
