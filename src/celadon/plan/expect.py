"""How far a build is and how long it still takes, from what its steps took in the builds before."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from celadon.locale import _, numbers
from celadon.state.snapshot import BuildTimes

COMING, RUNNING, CACHED, FINISHED, FAILED = "coming", "running", "cached", "done", "failed"
ENDS = (CACHED, FINISHED, FAILED)
REMEMBERED = 3  # durations of a step: the middle one of three is not moved by one bad day of a registry
LONGEST = 48  # characters of a Dockerfile line: with its time it fits into a terminal of 80
SECRET = 6  # characters: what is shorter is no secret, and to hide it would spoil every text
NUMBERED = re.compile(r"^\[(?P<stage>[^\]]*?) ?\d+/\d+\] ")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")
EXPORT = "exporting to image"


@dataclass(frozen=True)
class BuildStep:
    """One step of a build at one moment. `name` is BuildKit's: "[3/8] RUN npm ci".

    `at` is when it began, in seconds of the epoch, 0 before; `seconds` is how long it ran, once it has ended.
    """

    name: str
    state: str
    at: float = 0.0
    seconds: float = 0.0

    @property
    def of_the_dockerfile(self) -> bool:
        return bool(NUMBERED.match(self.name))

    @property
    def makes_a_layer(self) -> bool:
        """Whether it leaves something of its own in the build cache: a base image is no build's own."""
        return self.of_the_dockerfile and not NUMBERED.sub("", self.name).startswith("FROM ")

    @property
    def shown(self) -> bool:
        """Whether people know it: a line of the Dockerfile, or the export; not BuildKit's own preparations."""
        return not self.name.startswith(("[internal]", "[auth]", "resolving provenance"))

    @property
    def key(self) -> str:
        """What the step is remembered by: its stage and text, whatever its number or base image's digest.

        A hash, since a Dockerfile may be long, and hold in a line what is no record's to keep.
        """
        text = DIGEST.sub("", NUMBERED.sub(r"[\g<stage>] ", self.name))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def short(self) -> str:
        """The name, short enough for a line."""
        text = " ".join(DIGEST.sub("", self.name).split())
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

    def describe(self, now: float) -> str:
        """The step and how it is: `now` in seconds of the epoch."""
        if self.state == CACHED:
            return _("{step} … cached").format(step=self.short)
        if self.state == FINISHED:
            return _("{step} … done in {seconds:.1f} s").format(step=self.short, seconds=self.seconds)
        if self.state == FAILED:
            return _("{step} … failed after {seconds:.1f} s").format(step=self.short, seconds=self.seconds)
        return _("{step} … running for {time}").format(step=self.short, time=numbers.span(self.ran(now)))

    def ran(self, now: float) -> float:
        """Seconds that it runs, or ran. Two clocks may differ (a remote engine): never below 0."""
        return max(0.0, now - self.at) if self.state == RUNNING else self.seconds


@dataclass
class Course:
    """A build as it goes: its steps by name, each as it was heard of last.

    `expected` is seconds by a step's key, `took` what the last build took as a whole; empty and None without one.
    """

    expected: Mapping[str, float] = field(default_factory=dict)
    took: float | None = None
    steps: dict[str, BuildStep] = field(default_factory=dict)
    _told: dict[str, float] = field(default_factory=dict)

    def take(self, step: BuildStep) -> bool:
        """Hear of a step; returns whether its end is worth a line.

        A base image is looked up, and then found in the cache or pulled: one line, and another one where it took time.
        Whoever reads meanwhile, in another thread, sees the steps before or after, never a part.
        """
        self.steps = {**self.steps, step.name: step}
        if not step.shown or step.state not in ENDS:
            return False
        before = self._told.get(step.name)
        self._told[step.name] = step.seconds
        return before is None or step.state == FAILED or step.seconds >= before + 1

    def in_state(self, state: str) -> list[BuildStep]:
        return [step for step in self.steps.values() if step.state == state]

    def current(self) -> BuildStep | None:
        """The one of what runs that began first."""
        return next(iter(self.running()), None)

    def running(self) -> list[BuildStep]:
        """What runs: what people know before BuildKit's own preparations, and what began first before the rest."""
        return sorted(self.in_state(RUNNING), key=lambda step: (not step.shown, step.at))

    def left(self, now: float) -> float | None:
        """Seconds left at `now`, None where the past says nothing.

        The rule: what each step that has not begun is expected to take, and what is left of those that run, added up;
        a step that was cached or is done counts nothing. A step of which nothing is known counts nothing before it
        runs, and while it runs there is no expectation. Added up rather than the longest way through the stages: on
        the small servers that this is for, stages that run at once share the processors, and a rest that is told too
        long disappoints nobody. Before BuildKit has read the Dockerfile nothing is said: which steps there are, and
        which of them are cached, is known only then.
        """
        running = self.running()
        if not self.expected or not any(step.of_the_dockerfile for step in self.steps.values()):
            return None
        if any(step.key not in self.expected for step in running if step.shown):
            return None
        rest = sum(max(0.0, self.expected.get(step.key, 0.0) - step.ran(now)) for step in running)
        if EXPORT in self.steps:
            return rest  # what was never begun until now was not needed
        return rest + sum(
            self.expected.get(step.key, 0.0) for step in [*self.in_state(COMING), BuildStep(EXPORT, COMING)]
        )

    def rest(self, now: float) -> str:
        """The expectation in words: "about 1 min 20 s left", "" where there is none or it has passed."""
        left = self.left(now)
        return _("about {time} left").format(time=numbers.span(rounded(left))) if left and left >= 1 else ""

    def last_time(self) -> str:
        """What the last build took as a whole, in words, "" without one, or where it was over at once."""
        if self.took is None or self.took < 1:
            return ""
        return _("the whole took {time} last time").format(time=numbers.span(self.took))

    def outlook(self, now: float) -> str:
        """Both in words: "about 1 min 20 s left (the whole took 2 min 5 s last time)", "" without any."""
        rest, last_time = self.rest(now), self.last_time()
        return f"{rest} ({last_time})" if rest and last_time else rest or last_time

    def now(self, now: float) -> str:
        """The whole in a line: the step that runs, for how long, and the outlook; "" between two steps."""
        current = self.current()
        return ", ".join(filter(None, [current.describe(now), self.outlook(now)])) if current else ""


def rounded(seconds: float) -> float:
    """An expectation is no measurement: to 5 s above half a minute, to 10 s above two, to minutes above ten."""
    grain = next(grain for limit, grain in ((30, 1), (120, 5), (600, 10), (float("inf"), 60)) if seconds <= limit)
    return round(seconds / grain) * grain


def expected(past: Sequence[BuildTimes]) -> dict[str, float]:
    """Seconds by a step's key, from past builds, the newest first: the median of the last durations of each step.

    The median, since what spoils a duration (a slow registry, a busy server) spoils it once, and by far. A step that
    only older builds had counts as well: a Dockerfile that is changed back, or another branch.
    """
    from statistics import median  # whoever looks at a terminal would wait for it

    found: dict[str, float] = {}
    for build in past:
        for key, durations in build.steps.items():
            if durations:
                found.setdefault(key, median(durations))
    return found


def remembered(past: Sequence[BuildTimes], steps: Iterable[BuildStep], seconds: float) -> BuildTimes | None:
    """What to keep of a build that succeeded in `seconds`; None where everything was cached: nothing was learned.

    A step that was cached keeps the durations it had: dependencies are installed anew once in many builds, and that is
    when people want to know how long it takes.
    """
    ended = list(steps)
    if not any(step.state == FINISHED and step.of_the_dockerfile for step in ended):
        return None
    known: dict[str, tuple[float, ...]] = {}
    for build in past:
        known = {**build.steps, **known}
    kept: dict[str, tuple[float, ...]] = {}
    for step in ended:
        before = kept.get(step.key, known.get(step.key, ()))
        fresh = (round(step.seconds, 3),) if step.state == FINISHED else ()
        kept[step.key] = (*fresh, *before)[:REMEMBERED]
    return BuildTimes(round(seconds, 3), kept)


def without_values(text: str, arguments: Mapping[str, str]) -> str:
    """`text` with the values of build arguments replaced by their names."""
    for name, value in sorted(arguments.items(), key=lambda one: -len(one[1])):
        text = text.replace(value, f"${{{name}}}") if len(value) >= SECRET else text
    return text
