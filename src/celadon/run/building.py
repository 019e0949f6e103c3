"""A build under way: its steps told to terminals and to who waits; what it took and what it left in the cache, kept."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple

from celadon.adapters import buildx, storage
from celadon.errors import CommandError, EngineError
from celadon.plan import cleanup, expect
from celadon.plan.expect import BuildStep, Course
from celadon.run.world import World

ANNOUNCED = 2.0  # seconds between two words to those who wait


class Building:
    """One try of building a service; `step` takes what BuildKit tells, from whatever thread.

    `arguments` are the build's, name → value: its steps bear their names, the engine's records of them the values.
    """

    def __init__(self, world: World, service: str, arguments: Mapping[str, str]) -> None:
        self._world, self._service, self._arguments = world, service, arguments
        self._past = world.record.times.of(service)
        self._course = Course(expect.expected(self._past), self._past[0].seconds if self._past else None)
        self._over = threading.Event()
        self._announcing = threading.Thread(target=self._announce, daemon=True)

    def __enter__(self) -> "Building":
        self._begun, self._since = time.monotonic(), time.time()
        self._world.report.building(self._service, self._course.expected, self._course.took)
        self._announcing.start()
        return self

    def __exit__(self, failure: object, *_more: object) -> None:
        self._over.set()
        self._announcing.join()
        self._claim_cache()
        if failure:
            return
        seconds = time.monotonic() - self._begun
        if kept := expect.remembered(self._past, self._course.steps.values(), seconds):
            self._world.record.times.add(self._service, kept)

    def _claim_cache(self) -> None:
        """Cleaning up may take away what this build left in the cache, and only that: where anybody else built at the
        same time, who made what cannot be told, and nothing is claimed."""
        if not buildx.is_own(self._world.config.settings.build.builder):
            return  # it keeps its cache itself: what is new in the engine's is somebody else's
        ran = self._course.in_state(expect.FINISHED)
        if any(step.makes_a_layer for step in ran):  # the engine goes through its whole cache for an answer
            with suppress(CommandError, EngineError):  # what is not claimed stays
                made = cleanup.made_by(ran, storage.cache(), self._arguments)
                if made and storage.builds_between(self._since, time.time()) == 1:
                    self._world.record.builds.add_made(made)

    def step(self, step: BuildStep) -> None:
        self._course.take(step)
        self._world.report.build_step(*astuple(step))

    def _announce(self) -> None:
        before = ""
        while not self._over.wait(ANNOUNCED):
            if (text := self._now(time.time())) not in ("", before):
                self._world.announce(text)
                before = text

    def _now(self, now: float) -> str:
        step = self._course.current()
        if step is None:
            return ""
        rest = self._course.rest(now)
        return ", ".join(filter(None, [step.short, rest]))
