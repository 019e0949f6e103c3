"""Asking services how they are: one HTTP request, several good answers in a row, and a watch for those that fall."""

import http.client
import socket
import ssl
import string
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from celadon.adapters import docker, host
from celadon.errors import UnhealthyError
from celadon.locale import _, ngettext
from celadon.locale.words import called
from celadon.plan.steps import Candidate
from celadon.state.snapshot import IN_SLOT, Container

PAUSE = 0.05  # seconds between two questions: quick to see "ready", light on a service that is just starting
AGAIN = 0.02  # seconds before the next question to a service that answered well: it can take it, and users wait
WATCHING = 0.25  # seconds between two questions from outside, while users are there already
LOOK = 0.5  # seconds between two looks at the containers
TICK = 0.01  # seconds between two looks at the answers that came in
SAID = 120  # characters of an answer that are shown
LATE = "timed out"  # as Python says it of a socket
SETTLE = 3.0  # seconds that a worker without a health path must run without falling
BAD_IN_A_ROW = 3  # wrong answers from outside that count as a failure: one alone may be the service's own affair


@dataclass(frozen=True)
class Question:
    """What to ask: `host` is the Host header; `secure` asks by TLS without judging the certificate."""

    service: str
    address: str
    port: int
    path: str
    host: str
    timeout: float
    good: int
    within: float
    secure: bool = False

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.address}:{self.port}{self.path}"


def ask(question: Question) -> tuple[bool, str]:
    """Ask once: whether the answer was good (2xx) and there in time, to its last byte; and the answer in words."""
    connection = http.client.HTTPConnection(question.address, question.port, timeout=question.timeout)
    headers = {
        "Host": question.host,
        "User-Agent": "celadon-probe",
        "Connection": "close",
        "X-Forwarded-Host": question.host,
        "X-Forwarded-Proto": "https" if question.secure else "http",
    }
    late = threading.Event()
    try:
        connection.connect()
        if question.secure:
            trust = ssl._create_unverified_context()  # noqa: S323 (the answer counts here, not who signed)
            name = urlsplit(f"//{question.host}").hostname
            connection.sock = trust.wrap_socket(connection.sock, server_hostname=name)
        with _cut_off(connection.sock, question.timeout, late):
            connection.request("GET", quote(question.path, safe=string.printable), headers=headers)
            answer = connection.getresponse()
            body = answer.read(300).decode(errors="replace").strip().splitlines()
    except (OSError, http.client.HTTPException, ValueError) as problem:  # a chunk of negative length, for one
        said = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        return False, LATE if late.is_set() else _short(said)
    finally:
        connection.close()
    if late.is_set():
        return False, LATE
    said = f"{answer.status} {_short(answer.reason)}" + (f": {_short(body[0])}" if body else "")
    return 200 <= answer.status < 300, said


def _short(text: str) -> str:
    """A service's own words, which may be a line of 64 KB, as one line of an error."""
    return " ".join(text[:SAID].split())


@contextmanager
def _cut_off(sock: socket.socket, seconds: float, late: threading.Event) -> Iterator[None]:
    """Let a conversation last so long and no longer: a socket's own limit begins anew with every byte."""

    def cut() -> None:
        late.set()
        with suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # below TLS, which another thread is reading

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Watch:
    """Looks at the slots of one environment, twice a second at most, and notices those that fell."""

    def __init__(self, workspace: str, environment: str, candidates: Sequence[Candidate]) -> None:
        self._workspace, self._environment, self.candidates = workspace, environment, candidates
        self._seen: Mapping[str, Container] = {}
        self._restarts: dict[str, int] = {}
        self._next = 0.0

    def look(self) -> Mapping[str, Container]:
        """The containers by candidate. Raises UnhealthyError, with its last lines, for one that ended or restarted."""
        if time.monotonic() < self._next:
            return self._seen
        found = docker.containers(self._workspace)
        self._seen = {
            f"{c.service}-{c.slot}": c for c in found if (c.role, c.environment) == (IN_SLOT, self._environment)
        }
        for candidate in self.candidates:
            container = self._seen.get(str(candidate))
            before = self._restarts.setdefault(str(candidate), container.restarts if container else 0)
            if container is None or not container.running or container.restarts > max(before, 0):
                raise fallen(candidate, container)
        self._next = time.monotonic() + LOOK
        return self._seen


def fallen(candidate: Candidate, container: Container | None) -> UnhealthyError:
    """The error for a candidate whose container ended."""
    if container is None:
        return UnhealthyError(_("{name} is gone.").format(name=candidate), service=candidate.service)
    now = time.time()
    above = host.killed_from_above(host.kills_of_this_boot(), container.id, now)
    fall = docker.last_fall(container, now, of_the_host=above)
    if fall.of_the_host:
        hint = _("See who takes the memory: celadon diagnose")
    elif fall.out_of_memory:
        hint = _("Raise mem_limit of {service}, or let it take less.").format(service=candidate.service)
    elif fall.by_hand:
        hint = _("Deploy again when it may run; what runs was not touched.")
    else:
        hint = _("Its last lines say why; what runs was not touched.")
    return UnhealthyError(
        _("{name} fell: {why}.").format(name=candidate, why=fall),
        service=candidate.service,
        evidence=docker.last_lines(container.id),
        hint=hint,
    )


@dataclass
class Answers:
    """What one candidate has answered so far: how often well in a row, and its last answer in words."""

    good: int = 0
    last: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def collect(self, question: Question) -> None:
        """Ask until it is `over`: what was good may fall ill while its own HEALTHCHECK still needs time."""
        while not self.over.is_set():
            fine, self.last = ask(question)
            self.good = self.good + 1 if fine else 0
            self.over.wait(AGAIN if 0 < self.good < question.good else PAUSE)


def inside(watch: Watch, candidates: Sequence[Candidate], questions: Mapping[str, Question],
           told: Callable[[str], None]) -> None:  # fmt: skip
    """Wait until every candidate gave its good answers in a row, and its own HEALTHCHECK agrees.

    Each is asked on its own: a slow one holds up no other. `questions` by service; a service without one must run for
    SETTLE seconds. Raises UnhealthyError.
    """
    begun = time.monotonic()
    answers = {c.service: Answers() for c in candidates}
    waiting = list(candidates)
    with ThreadPoolExecutor(max(1, len(questions))) as pool:
        try:
            asking = [pool.submit(answers[name].collect, question) for name, question in questions.items()]
            while waiting:
                seen, age = watch.look(), time.monotonic() - begun
                for thread in asking:
                    if thread.done():
                        thread.result()  # a mistake of ours in a thread must not look like a silent service
                for candidate in list(waiting):
                    wanted, own = questions.get(candidate.service), seen[str(candidate)].health
                    if _ready(wanted, answers[candidate.service].good, own, age):
                        waiting.remove(candidate)
                        answers[candidate.service].over.set()
                        told(_("{name} is healthy after {seconds:.1f} s").format(name=candidate, seconds=age))
                    elif age > _limit(wanted):
                        raise _never_healthy(candidate, wanted, answers[candidate.service].last, own, seen)
                time.sleep(TICK if waiting else 0)
        finally:
            for one in answers.values():
                one.over.set()


def _ready(question: Question | None, good: int, own: str, age: float) -> bool:
    if own not in ("", "healthy"):
        return False
    return good >= question.good if question else age >= SETTLE


def _limit(question: Question | None) -> float:
    return question.within if question else 60.0


def _never_healthy(candidate: Candidate, question: Question | None, last: str, own: str,
                   seen: Mapping[str, Container]) -> UnhealthyError:  # fmt: skip
    facts = [f"GET {question} → {last}"] if question else []
    facts += [_("its own HEALTHCHECK says: {health}").format(health=called(own))] if own not in ("", "healthy") else []
    lines = docker.last_lines(seen[str(candidate)].id)
    return UnhealthyError(
        _("{name} did not become healthy within {seconds:g} s.").format(name=candidate, seconds=_limit(question)),
        service=candidate.service,
        evidence=[*facts, *lines],
        hint=_("What runs was not touched. If it only needs longer: x-celadon.health.within"),
    )


def outside(watch: Watch, questions: Sequence[Question], seconds: float, told: Callable[[str], None]) -> None:
    """Ask as users do, through the router, for `seconds`; first until each gave its good answers in a row.

    Raises UnhealthyError after several wrong answers in a row, or when a container falls.
    """
    begun = time.monotonic()
    good = dict.fromkeys((q.service for q in questions), 0)
    bad: dict[str, list[str]] = {name: [] for name in good}
    wrong = dict(bad)  # the last wrong answers, in a row or not
    limit = seconds + max((q.within for q in questions), default=0.0)
    names = {c.service: str(c) for c in watch.candidates}
    with ThreadPoolExecutor(max(1, len(questions))) as pool:
        while True:
            seen = watch.look()
            for candidate in watch.candidates:
                if seen[str(candidate)].health == "unhealthy":
                    raise _ill(candidate, seen[str(candidate)])
            for question, (fine, words) in zip(questions, pool.map(ask, questions), strict=True):
                name = question.service
                good[name], bad[name] = (good[name] + 1, []) if fine else (0, [*bad[name], words])
                wrong[name] = bad[name] or wrong[name]
                late = good[name] < question.good and time.monotonic() - begun > limit
                if len(bad[name]) >= BAD_IN_A_ROW or late:
                    raise _wrong(question, wrong[name], seen[names[name]])
            if all(good[q.service] >= q.good for q in questions) and time.monotonic() - begun >= seconds:
                break
            time.sleep(WATCHING)
    told(ngettext("{n} service answers from outside", "{n} services answer from outside", len(questions)).format(
        n=len(questions)))  # fmt: skip


def _ill(candidate: Candidate, container: Container) -> UnhealthyError:
    return UnhealthyError(
        _("{name} says by its own HEALTHCHECK that it is unhealthy.").format(name=candidate),
        service=candidate.service,
        evidence=docker.last_lines(container.id),
        hint=_("Users have the release before again."),
    )


def _wrong(question: Question, answers: Sequence[str], container: Container) -> UnhealthyError:
    return UnhealthyError(
        _("{service} does not answer well through the router.").format(service=question.service),
        service=question.service,
        evidence=[
            *(f"GET {question} (Host: {question.host}) → {words}" for words in answers),
            *docker.last_lines(container.id),
        ],
        hint=_("Users have the release before again."),
    )
