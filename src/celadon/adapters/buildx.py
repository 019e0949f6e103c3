"""BuildKit through `docker buildx build`: the command line of a build, and its progress as readable lines."""

import base64
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from celadon.adapters import build_client, engine, process
from celadon.adapters.output import Lines, OnLine
from celadon.errors import BuildError, CommandError, CommandTimeout
from celadon.locale import _
from celadon.plan import build_isolation
from celadon.plan.expect import CACHED, COMING, FAILED, FINISHED, RUNNING, BuildStep, without_values

# Keys of a Compose `build` that have their flag here. Another key is refused: dropping it would build something else.
KNOWN = {
    "context", "dockerfile", "dockerfile_inline", "args", "target", "labels", "cache_from", "cache_to", "no_cache",
    "pull", "network", "shm_size", "extra_hosts", "secrets", "ssh", "additional_contexts", "platforms", "tags",
}  # fmt: skip
EVIDENCE = 20
LONGEST = 64 << 10  # bytes of a line of a build's log; the rest of the line is dropped
DENIED = re.compile(r'source "(docker-image|https?|git|ssh)://([^"]+)" (?:denied|not allowed) by policy')
OnStep = Callable[[BuildStep], None]


def argv(
    definition: Mapping[str, Any],
    context: Path,
    tag: str,
    labels: Mapping[str, str],
    secrets: Mapping[str, str],
    held: Sequence[str] = (),
) -> list[str]:
    """The build command for a rendered Compose `build` section.

    `context` is the folder to build in place of the section's own; `secrets` are "id" → "src=FILE" or "env=NAME";
    `held` are the flags that choose the builder and limit it.
    """
    words = [*engine.plugin("buildx"), "build", *held, "--load", "--provenance=false"]
    words += ["--progress=rawjson", *(["--tag", tag] if tag else [])]
    inline = definition.get("dockerfile_inline")
    words += ["--file", "-" if inline else os.path.normpath(context / definition.get("dockerfile", "Dockerfile"))]
    words += build_client.words(definition.get("args") or {})
    for name, value in {**(definition.get("labels") or {}), **labels}.items():
        words += ["--label", f"{name}={value}"]
    for key, flag in (("target", "--target"), ("network", "--network"), ("shm_size", "--shm-size")):
        if definition.get(key):
            words += [flag, str(definition[key])]
    for key, flag in (("no_cache", "--no-cache"), ("pull", "--pull")):
        if definition.get(key):
            words.append(flag)
    for key, flag in (("cache_from", "--cache-from"), ("cache_to", "--cache-to"), ("platforms", "--platform")):
        for value in definition.get(key) or []:
            words += [flag, str(value)]
    for host in definition.get("extra_hosts") or []:
        words += ["--add-host", str(host).replace("=", ":", 1)]
    for name, value in (definition.get("additional_contexts") or {}).items():
        words += ["--build-context", f"{name}={value}"]
    for secret in definition.get("secrets") or []:
        words += ["--secret", f"id={secret.get('target') or secret['source']},{secrets[secret['source']]}"]
    for agent in definition.get("ssh") or []:
        words += ["--ssh", str(agent)]
    return [*words, str(context)]


def chosen(builder: str | None) -> tuple[str, ...]:
    """The flags that choose a builder; None is the engine's own, whichever one is chosen in the terminal."""
    return ("--builder", builder or engine.context())


def is_own(builder: str | None) -> bool:
    """Whether it is the engine's own builder, named or not."""
    return builder in (None, engine.context())


def inspect(builder: str) -> tuple[str, tuple[str, ...]]:
    """The driver and the nodes of a builder. Raises CommandError where there is none of this name."""
    return inspected(process.run([*engine.plugin("buildx"), "inspect", builder], timeout=60).out)


def inspected(text: str) -> tuple[str, tuple[str, ...]]:
    """What `docker buildx inspect` shows, read: driver and nodes. It has no other form than this text."""
    fields = [(key, value.strip()) for key, _colon, value in (line.partition(":") for line in text.splitlines())]
    names = [value for key, value in fields if key == "Name"]  # the builder's own, then its nodes'
    return next((value for key, value in fields if key == "Driver"), ""), tuple(names[1:])


def start(builder: str) -> None:
    """Start a builder that may not be running. Raises CommandError."""
    process.run([*engine.plugin("buildx"), "inspect", "--bootstrap", builder], timeout=120)


def arguments(definition: Mapping[str, Any]) -> dict[str, str]:
    """The build arguments that have a value."""
    given: Mapping[str, Any] = definition.get("args") or {}
    return {name: str(value) for name, value in given.items() if value is not None}


def build(words: Sequence[str], definition: Mapping[str, Any], service: str, timeout: float, log: OnLine,
          step: OnStep, secrets: Mapping[str, str] | None = None, policy: Mapping[str, Any] | None = None
          ) -> None:  # fmt: skip
    """Build; `log` gets every line, `step` each step as it becomes known, begins and ends (from reader threads).

    `secrets` are the values of variables that the secrets of `words` name; `policy` says which images the build may
    name. Raises BuildError with step and last lines.
    """
    progress = Progress(log, step, arguments(definition))
    try:
        with build_client.environment(definition.get("args") or {}, policy or {}) as given:
            process.run(words, env={**given, **(secrets or {})}, stdin=definition.get("dockerfile_inline"),
                        timeout=timeout, on_line=progress.feed, bound=True, keep=0)  # fmt: skip
    except CommandTimeout as error:
        raise BuildError(
            _("{service}: the build took longer than {seconds:.0f} s and was ended.").format(
                service=service, seconds=timeout
            ),
            service=service,
            step=progress.current,
            evidence=progress.evidence(),
            hint=_("Raise x-celadon.build.timeout, or look at the step that hangs."),
        ) from error
    except CommandError as error:
        if denied := DENIED.search("\n".join([progress.cause, *error.tail])):
            raise _denied(service, denied[1], denied[2], policy or {}) from error
        step_name = progress.failed or progress.current
        words_ = _("{service}: the build failed at {step}.") if step_name else _("{service}: the build failed.")
        raise BuildError(
            words_.format(service=service, step=step_name),
            service=service,
            step=step_name,
            evidence=progress.evidence() or [progress.without_values(line) for line in error.tail],
            cause=progress.cause,
            hint=_("Mend it, push, and deploy again; what runs was not touched."),
        ) from error


def _denied(service: str, scheme: str, image: str, policy: Mapping[str, Any]) -> BuildError:
    if scheme != "docker-image":
        return _of_an_address(service, f"{scheme}://{image}")
    if "@" in image or not build_isolation.demands_digests(policy):
        return _of_another(service, image)
    return BuildError(
        _("{service}: the build asks for the image {image}, which is not pinned by its digest.").format(
            service=service, image=image
        ),
        service=service,
        step="",
        evidence=[_("x-celadon.policy.pinned is `required`: a tag can be moved, a digest cannot.")],
        hint=_("Name the digest as well: {image}@sha256:…").format(image=image),
    )


def _of_an_address(service: str, address: str) -> BuildError:
    return BuildError(
        _("{service}: the build adds {address}, which BuildKit would fetch from this server's own network.").format(
            service=service, address=address
        ),
        service=service,
        step="",
        evidence=[_("Anyone who can push could read internal services and a cloud's metadata that way.")],
        hint=_("Use ADD --checksum=sha256:…, or RUN with curl or git clone."),
    )


def _of_another(service: str, image: str) -> BuildError:
    name = image.partition("@")[0].removeprefix("docker.io/").removeprefix("library/")
    return BuildError(
        _("{service}: the build uses the image {image}, which belongs to another service.").format(
            service=service, image=name
        ),
        service=service,
        step="",
        evidence=[
            _(
                "Anyone who can push to this service could read the other service's source, so the build rejects this "
                "image."
            )
        ],
        hint=_("If this is intended, declare it in compose.yaml: build.additional_contexts: {entry}").format(
            entry=f'{{NAME: "docker-image://{name}"}}'
        ),
    )


@dataclass(frozen=True)
class Remark:
    """What BuildKit's own lint says of a Dockerfile's line (0 where it names none), under its rule's name."""

    rule: str
    line: int
    detail: str
    url: str


def lint(file: Path, context: Path, target: str, timeout: float = 30.0) -> tuple[Remark, ...] | None:
    """What BuildKit's own lint says of a Dockerfile; None where it cannot look: no engine, or no base image."""
    words = [*engine.plugin("buildx"), "build", *chosen(None), "--call=check,format=json"]
    words += ["--file", str(file), *(["--target", target] if target else []), str(context)]
    try:
        return remarks(process.run(words, timeout=timeout, check=False).out)
    except CommandError:
        return None


def remarks(text: str) -> tuple[Remark, ...] | None:
    """The lint's JSON, read; None where it holds nothing but that the lint failed."""
    try:
        told = json.loads(text)
        found = []
        for one in told.get("warnings") or []:
            ranges = (one.get("location") or {}).get("ranges") or [{}]
            line = int((ranges[0].get("start") or {}).get("line") or 0)
            words = str(one.get("detail") or one["description"])
            found.append(Remark(str(one["ruleName"]), line, words, str(one.get("url") or "")))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return None if told.get("buildError") and not found else tuple(found)


class Progress:
    """BuildKit's `rawjson` lines, as they come, turned into text and steps.

    BuildKit puts the values of build arguments into its steps' names and into its errors; here their names stand there.
    """

    def __init__(self, log: OnLine, step: OnStep, arguments: Mapping[str, str] | None = None) -> None:
        self._log, self._step, self._arguments = log, step, arguments or {}
        self._names: dict[str, str] = {}
        self._told: dict[str, tuple[str, object]] = {}  # the state told last, and of which beginning
        self._took: dict[str, float] = {}
        self._lines: dict[str, list[str]] = {}
        self._streams: dict[tuple[str, int], Lines] = {}  # what is begun of a line, by step and stream
        self._other: deque[str] = deque(maxlen=EVIDENCE)
        self._failed = ""
        self.current = ""
        self.cause = ""

    @property
    def failed(self) -> str:
        return self._names.get(self._failed, "")

    def evidence(self) -> tuple[str, ...]:
        """The last lines of the step that failed, or of whatever spoke last; for when the build has ended."""
        for key in {key for key, _stream in self._streams}:  # steps of which the end was never told
            self._flush(key)
        return tuple(self._lines.get(self._failed, ())[-EVIDENCE:]) or tuple(self._other)

    def without_values(self, text: str) -> str:
        return without_values(text, self._arguments)

    def feed(self, line: str) -> None:
        """One line of the build's output."""
        try:
            self._feed(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # not what BuildKit says of its steps
            self._other.append(self.without_values(line))
            self._log(self._other[-1])

    def _feed(self, event: Any) -> None:
        for vertex in event.get("vertexes") or []:
            words = {key: self.without_values(vertex[key]) for key in ("name", "error") if vertex.get(key)}
            self._vertex({**vertex, **words})
        for entry in event.get("logs") or []:
            self._output(entry)

    def _vertex(self, vertex: Mapping[str, Any]) -> None:
        key, name = vertex["digest"], vertex["name"]
        if key not in self._names and vertex.get("started"):
            self._names[key] = name
            self._log(f"=> {name}")
            if BuildStep(name, RUNNING).shown:
                self.current = name
        if vertex.get("completed"):
            self._flush(key)
        if vertex.get("error") and not self._failed:
            self._failed = key
            self._names[key] = name
            self._log(f"=> {name}: {vertex['error']}")
            self._other.append(str(vertex["error"]))
            self.cause = str(vertex["error"])
        self._tell(vertex)

    def _tell(self, vertex: Mapping[str, Any]) -> None:
        """Tell the step's state, once each. A step may begin again: a base image is looked up first, then pulled."""
        key, begun, ended = vertex["digest"], vertex.get("started"), vertex.get("completed")
        state = RUNNING if begun else COMING
        if begun and ended:
            state = FAILED if vertex.get("error") else CACHED if vertex.get("cached") else FINISHED
        if (state, begun) == self._told.get(key) or (state == COMING and key in self._told):
            return
        self._told[key] = (state, begun)
        at = _seconds(begun) if begun else 0.0
        if begun and ended:
            self._took[key] = self._took.get(key, 0.0) + _seconds(ended) - at
        self._step(BuildStep(vertex["name"], state, at, self._took.get(key, 0.0) if ended else 0.0))

    def _output(self, entry: Mapping[str, Any]) -> None:
        """A piece of what a step prints: it may end in the middle of a line."""
        stream = self._streams.setdefault((entry["vertex"], entry.get("stream") or 0), Lines(LONGEST))
        self._print(entry["vertex"], stream.add(base64.b64decode(entry.get("data") or "")))

    def _print(self, key: str, printed: Iterable[str]) -> None:
        lines = self._lines.setdefault(key, [])
        for line in printed:
            lines.append(line)
            self._log(line)
        del lines[: -5 * EVIDENCE]

    def _flush(self, key: str) -> None:
        """A step has ended, perhaps without a line end."""
        for one in [one for one in self._streams if one[0] == key]:
            self._print(key, self._streams.pop(one).end())


def _seconds(time: str) -> float:
    """BuildKit's time (RFC 3339, nanoseconds) in seconds of the epoch."""
    return datetime.fromisoformat(time).timestamp()
