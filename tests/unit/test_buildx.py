"""BuildKit's command line and progress, from and to text."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

from celadon.adapters import buildx
from celadon.plan.expect import BuildStep


def test_a_compose_build_section_becomes_flags() -> None:
    definition = {
        "context": "/ignored", "dockerfile": "docker/Dockerfile", "target": "web",
        "args": {"TOKEN": "s3cret", "B": None, "no_proxy": "here"},
        "secrets": [{"source": "npm", "target": "npmrc"}], "additional_contexts": {"shared": "/shared"},
    }  # fmt: skip
    words = buildx.argv(definition, Path("/src"), "web:1", {"celadon.service": "web"}, {"npm": "src=/keys/npm"})
    assert words[-1] == "/src"
    text = " ".join(words)
    for part in ("--file /src/docker/Dockerfile", "--build-arg TOKEN ", "--build-arg B ", "--build-arg no_proxy=here",
                 "--target web", "--tag web:1", "--secret id=npmrc,src=/keys/npm", "--build-context shared=/shared",
                 "--label celadon.service=web"):  # fmt: skip
        assert part in text
    assert "s3cret" not in text


def test_a_builder_is_read_from_what_buildx_shows_of_it() -> None:
    shown = """\
Name:          limited
Driver:        docker-container
Last Activity: 2026-11-21 20:04:14 +0000 UTC

Nodes:
Name:                  limited0
Endpoint:              unix:///var/run/docker.sock
Driver Options:        memory="300m" memory-swap="300m"
Status:                running
Platforms:             linux/amd64, linux/386
Labels:
 org.mobyproject.buildkit.worker.hostname:         vm
"""
    assert buildx.inspected(shown) == ("docker-container", ("limited0",))
    second = "Name:   limited1\nEndpoint: ssh://elsewhere\nError: Name: not found\n"
    assert buildx.inspected(shown + second) == ("docker-container", ("limited0", "limited1"))


def at(second: float) -> str:
    return f"2026-01-01T00:00:{second:012.9f}Z"


def vertex(digest: str, name: str, *times: float, **more: object) -> dict[str, object]:
    """A vertex that began, and ended, at these seconds."""
    return {"digest": digest, "name": name, **dict(zip(("started", "completed"), map(at, times), strict=False)), **more}


def fed(*events: dict[str, object]) -> tuple[buildx.Progress, list[str], list[BuildStep]]:
    log: list[str] = []
    steps: list[BuildStep] = []
    progress = buildx.Progress(log.append, steps.append)
    for event in events:
        progress.feed(json.dumps(event))
    return progress, log, steps


def test_values_of_arguments_stand_in_none_of_buildkits_words() -> None:
    log: list[str] = []
    steps: list[BuildStep] = []
    progress = buildx.Progress(log.append, steps.append, {"TOKEN": "c4n4ry", "PORT": "80"})
    failed = 'process "/bin/sh -c fetch c4n4ry" did not complete successfully: exit code: 1'
    progress.feed(json.dumps({"vertexes": [vertex("1", "[1/1] RUN fetch c4n4ry 80", 0, 1, error=failed)]}))
    progress.feed(f"ERROR: failed to solve: {failed}")
    assert "c4n4ry" not in f"{log} {steps} {progress.failed} {progress.cause} {progress.evidence()}"
    assert progress.failed == "[1/1] RUN fetch ${TOKEN} 80" == steps[0].name


def test_progress_names_the_step_that_failed_with_its_last_lines() -> None:
    progress, log, steps = fed(
        {"vertexes": [vertex("0", "[internal] load build definition", 0, 1)]},
        {"vertexes": [vertex("1", "[1/2] FROM base", 1, 1, cached=True)]},
        {"vertexes": [vertex("2", "[2/2] RUN make", 1)]},
        {"logs": [{"vertex": "2", "data": base64.b64encode(b"compiling\nerror: no\n").decode()}]},
        {"vertexes": [vertex("2", "[2/2] RUN make", 1, 3, error="exit code: 2")]},
    )
    progress.feed("ERROR: failed to solve")
    assert progress.failed == "[2/2] RUN make" and progress.evidence() == ("compiling", "error: no")
    assert "compiling" in log and "ERROR: failed to solve" in log
    assert [(s.name, s.state) for s in steps[1:]] == [
        ("[1/2] FROM base", "cached"), ("[2/2] RUN make", "running"), ("[2/2] RUN make", "failed")
    ]  # fmt: skip


def test_a_line_of_megabytes_in_pieces_is_one_line_and_the_reason_stays() -> None:
    """BuildKit sends what a step prints as it comes: pieces end in the middle of a line, or of a letter."""

    def printed(data: bytes, stream: int = 1) -> dict[str, object]:
        return {"logs": [{"vertex": "2", "stream": stream, "data": base64.b64encode(data).decode()}]}

    letter = "한".encode()
    progress, log, _steps = fed(
        {"vertexes": [vertex("2", "[2/2] RUN make", 1)]},
        printed(b"the rea"),
        printed(b"warning\n", stream=2),
        printed(b"son " + letter[:1]),
        printed(letter[1:] + b"\n"),
        *(printed(b"x" * 32_000) for _piece in range(100)),
        printed(b"\nat the end"),
        {"vertexes": [vertex("2", "[2/2] RUN make", 1, 3, error="exit code: 2")]},
        {"logs": [{"vertex": "2", "data": base64.b64encode(b"after it").decode()}]},
    )
    assert [line[:12] for line in progress.evidence()] == [
        "warning",
        "the reason 한",
        "x" * 12,
        "at the end",
        "after it",
    ]
    assert len(max(progress.evidence(), key=len)) == buildx.LONGEST and "the reason 한" in log


def test_every_state_of_a_step_is_told_once_with_its_times() -> None:
    run, base = "[2/2] RUN make", "[1/2] FROM base"
    _progress, _log, steps = fed(
        {"vertexes": [vertex("1", base), vertex("2", run)]},
        {"vertexes": [vertex("2", run)], "statuses": [{"id": "x", "vertex": "1"}]},
        {"vertexes": [vertex("1", base, 1)]},
        {"vertexes": [vertex("1", base, 1, 1.5)]},
        {"vertexes": [vertex("1", base, 2)]},  # looked up, and now pulled
        {"vertexes": [vertex("1", base, 2)]},
        {"vertexes": [vertex("1", base, 2, 5)]},
        {"vertexes": [vertex("1", base, 2, 5)]},
        {"vertexes": [vertex("2", run, 5, 17.25)]},
        {"vertexes": [vertex("2", run)]},
    )
    start = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert [(s.name, s.state, s.at - start if s.at else 0, s.seconds) for s in steps] == [
        (base, "coming", 0, 0),
        (run, "coming", 0, 0),
        (base, "running", 1, 0),
        (base, "done", 1, 0.5),
        (base, "running", 2, 0),
        (base, "done", 2, 3.5),
        (run, "done", 5, 12.25),
    ]


def test_buildkits_own_lint_is_read() -> None:
    location = {"ranges": [{"start": {"line": 3}, "end": {"line": 3}}]}
    warning = {
        "ruleName": "StageNameCasing",
        "description": "d",
        "url": "https://x",
        "detail": "e",
        "location": location,
    }
    found = (buildx.Remark("StageNameCasing", 3, "e", "https://x"),)
    assert buildx.remarks(json.dumps({"warnings": [warning], "buildError": {"message": "m"}})) == found
    assert buildx.remarks('{"warnings": null}') == ()
    assert buildx.remarks('{"warnings": null, "buildError": {"message": "m"}}') is None
    assert buildx.remarks("ERROR: no engine") is None
