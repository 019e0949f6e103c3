"""BuildKit's command line and progress, from and to text."""

import base64
import json
from pathlib import Path

from celadon.adapters import buildx


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
    assert "s3cret" not in text and buildx.variables(definition) == {"TOKEN": "s3cret"}


def test_progress_names_the_step_that_failed_with_its_last_lines() -> None:
    log: list[str] = []
    steps: list[str] = []
    progress = buildx.Progress(log.append, steps.append)

    def say(**event: object) -> None:
        progress.feed(json.dumps(event))

    def vertex(digest: str, name: str, **more: object) -> dict[str, object]:
        return {"digest": digest, "name": name, **more}

    say(vertexes=[vertex("0", "[internal] load build definition", started="t", completed="t")])
    say(vertexes=[vertex("1", "[1/2] FROM base", started="t", completed="t", cached=True)])
    say(vertexes=[vertex("2", "[2/2] RUN make", started="t")])
    say(logs=[{"vertex": "2", "data": base64.b64encode(b"compiling\nerror: no\n").decode()}])
    say(vertexes=[vertex("2", "[2/2] RUN make", started="t", completed="t", error="exit code: 2")])
    progress.feed("ERROR: failed to solve")
    assert steps == ["[1/2] FROM base (cached)"]
    assert progress.failed == "[2/2] RUN make" and progress.evidence() == ("compiling", "error: no")
    assert "compiling" in log and "ERROR: failed to solve" in log


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
