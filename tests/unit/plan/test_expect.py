"""How long a build still takes: past builds and what is heard of this one in, words out."""

from collections.abc import Sequence

import pytest

from celadon.locale.numbers import span
from celadon.plan.expect import BuildStep, Course, expected, remembered, rounded, without_values
from celadon.state.snapshot import BuildTimes

BASE, COPY, RUN = "[1/3] FROM python:3.14-slim", "[2/3] COPY . .", "[3/3] RUN npm ci"
EXPORT = "exporting to image"


def took(**durations: float | tuple[float, ...]) -> BuildTimes:
    names = {"base": BASE, "copy": COPY, "run": RUN, "export": EXPORT}
    steps = {
        BuildStep(names[name], "done").key: seconds if isinstance(seconds, tuple) else (seconds,)
        for name, seconds in durations.items()
    }
    return BuildTimes(125.4, steps)


LAST = took(base=5, copy=1, run=80, export=4)
# Past builds, what is heard of this one as (name, state, at, seconds), the time now, and what is told.
CASES: dict[str, tuple[Sequence[BuildTimes], list[tuple[str, str, float, float]], float, str]] = {
    "a first build": ([], [(RUN, "running", 100, 0)], 110, ""),
    "the Dockerfile is not read yet": ([LAST], [("[internal] load build definition", "running", 100, 0)], 101,
                                       "the whole took 2 min 5 s last time"),
    "nothing has begun": ([LAST], [(BASE, "coming", 0, 0), (COPY, "coming", 0, 0), (RUN, "coming", 0, 0)], 100,
                          "about 1 min 30 s left (the whole took 2 min 5 s last time)"),
    "what was cached or is done counts nothing": (
        [LAST], [(BASE, "cached", 100, 0), (COPY, "done", 100, 1), (RUN, "coming", 0, 0)], 101,
        "about 1 min 25 s left (the whole took 2 min 5 s last time)"),
    "what runs counts less": ([LAST], [(BASE, "cached", 100, 0), (RUN, "running", 100, 0)], 160,
                              "about 24 s left (the whole took 2 min 5 s last time)"),
    "what runs longer than ever counts nothing": ([LAST], [(RUN, "running", 100, 0)], 300,
                                                  "about 4 s left (the whole took 2 min 5 s last time)"),
    "an expectation that has passed is not told": ([LAST], [(RUN, "done", 0, 80), (EXPORT, "running", 200, 0)], 300,
                                                   "the whole took 2 min 5 s last time"),
    "what was never begun before the export was not needed": (
        [LAST], [(COPY, "coming", 0, 0), (RUN, "coming", 0, 0), (EXPORT, "running", 100, 0)], 102,
        "about 2 s left (the whole took 2 min 5 s last time)"),
    "a new line that runs": ([LAST], [("[2/4] RUN make", "running", 100, 0), (RUN, "coming", 0, 0)], 100,
                             "the whole took 2 min 5 s last time"),
    "a new line that has not begun": (
        [LAST], [(COPY, "running", 100, 0), ("[3/4] RUN make", "coming", 0, 0), ("[4/4] RUN npm ci", "coming", 0, 0)],
        100, "about 1 min 25 s left (the whole took 2 min 5 s last time)"),
    "another base image's digest is the same step": (
        [LAST], [(f"[1/3] FROM python:3.14-slim@sha256:{'5' * 64}", "running", 100, 0)], 100,
        "about 9 s left (the whole took 2 min 5 s last time)"),
    "the same line of another stage is another step": ([LAST], [("[web 3/3] RUN npm ci", "running", 100, 0)], 100,
                                                       "the whole took 2 min 5 s last time"),
    "BuildKit's preparations are not waited for": (
        [LAST], [("[internal] load build context", "running", 100, 0), (RUN, "coming", 0, 0)], 100,
        "about 1 min 25 s left (the whole took 2 min 5 s last time)"),
    "a clock that is behind": ([LAST], [(RUN, "running", 100, 0)], 50,
                               "about 1 min 25 s left (the whole took 2 min 5 s last time)"),
    "the median of the last ones": ([took(run=(700, 80, 60), export=4)], [(RUN, "running", 100, 0)], 100,
                                    "about 1 min 25 s left (the whole took 2 min 5 s last time)"),
    "a step that only an older build had": ([took(copy=1, export=4), LAST], [(RUN, "running", 100, 0)], 100,
                                            "about 1 min 25 s left (the whole took 2 min 5 s last time)"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_outlook(case: str) -> None:
    past, heard, now, told = CASES[case]
    course = Course(expected(past), past[0].seconds if past else None)
    for one in heard:
        course.take(BuildStep(*one))
    assert course.outlook(now) == told


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (BuildStep(BASE, "cached", 9, 0), "[1/3] FROM python:3.14-slim … cached"),
        (BuildStep(f"[1/3] FROM a:1@sha256:{'0' * 64}", "done", 9, 0.04), "[1/3] FROM a:1 … done in 0.0 s"),
        (BuildStep(RUN, "done", 9, 12.34), "[3/3] RUN npm ci … done in 12.3 s"),
        (BuildStep(RUN, "failed", 9, 2), "[3/3] RUN npm ci … failed after 2.0 s"),
        (BuildStep(RUN, "running", 20), "[3/3] RUN npm ci … running for 1 min 20 s"),
        (BuildStep(f"[2/3] RUN  a && \n {'b' * 99}", "cached"), f"[2/3] RUN a && {'b' * 32}… … cached"),
    ],
)
def test_a_step_says_itself_in_a_line(step: BuildStep, told: str) -> None:
    assert step.describe(100) == told


def test_what_people_know_is_shown_before_what_began_first() -> None:
    course = Course()
    for name, at in (("[internal] load build context", 1.0), (RUN, 3.0), (COPY, 2.0)):
        course.take(BuildStep(name, "running", at))
    assert [step.name for step in course.running()] == [COPY, RUN, "[internal] load build context"]
    assert course.now(10) == "[2/3] COPY . . … running for 8 s"


def test_the_end_of_a_step_is_told_in_one_line() -> None:
    heard = [(BASE, "coming", 0), (BASE, "running", 0), (BASE, "done", 0.1), (BASE, "running", 0), (BASE, "cached", 0),
             (BASE, "running", 0), (BASE, "done", 30.1), (RUN, "failed", 3), ("[internal] x", "done", 3),
             ("resolving provenance for metadata file", "done", 0.1)]  # fmt: skip
    course = Course()
    told = [(state, seconds) for name, state, seconds in heard if course.take(BuildStep(name, state, 9, seconds))]
    assert told == [("done", 0.1), ("done", 30.1), ("failed", 3)]


def test_what_a_build_took_is_kept_with_what_is_known_of_its_cached_steps() -> None:
    steps = [BuildStep(BASE, "cached"), BuildStep(COPY, "done", 1, 1.5), BuildStep(RUN, "cached")]
    kept = remembered([took(copy=(4, 3, 2)), took(run=(80, 70), copy=9)], steps, 7)
    assert kept == BuildTimes(7, took(base=(), copy=(1.5, 4, 3), run=(80, 70)).steps)
    assert remembered([LAST], [BuildStep(BASE, "cached"), BuildStep(EXPORT, "done", 1, 1)], 7) is None
    assert "npm" not in str(kept)  # BuildKit writes the values of build arguments into the text of a step


def test_durations_as_people_read_them() -> None:
    table = {0.4: "0 s", 59.4: "59 s", 59.6: "1 min", 80: "1 min 20 s", 3600: "1 h", 7540: "2 h 5 min"}
    assert {seconds: span(seconds) for seconds in table} == table
    assert [rounded(s) for s in (0.6, 29.7, 62, 118, 121, 599, 700)] == [1, 30, 60, 120, 120, 600, 720]


def test_values_of_build_arguments_are_not_for_everybody() -> None:
    arguments = {"TOKEN": "hunter2", "LONGER": "hunter2-and-more", "N": "1"}
    told = without_values("[1/3] RUN fetch hunter2 hunter2-and-more 1", arguments)
    assert told == "[1/3] RUN fetch ${TOKEN} ${LONGER} 1"
