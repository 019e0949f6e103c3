"""One function for each reader of foreign bytes. It may raise CeladonError; anything else is a bug.

Used by the unit tests with what hypothesis makes up, and by `make fuzz` with what a coverage-guided fuzzer finds.
"""

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from celadon.adapters import buildx, doppler
from celadon.app import pulling
from celadon.check import dockerfile, shell
from celadon.config import complaints, dotenv
from celadon.config.load import rendered
from celadon.config.outline import load_outline
from celadon.config.positions import read
from celadon.config.workspace import Rendered
from celadon.errors import CeladonError, CommandError
from celadon.plan import release_label
from celadon.run import journal
from celadon.run.report import Report
from celadon.setup import kinds, naming, nginxparse, reading
from celadon.setup.scanning import Folder

Target = Callable[[bytes, Path], None]


def yaml_file(data: bytes, folder: Path) -> None:
    file = folder / "compose.yaml"
    file.write_bytes(data)
    load_outline(file)


def yaml_of_compose(data: bytes, folder: Path) -> None:
    file = folder / "compose.yaml"
    file.write_text("name: shop\n")
    text = data.decode(errors="replace")
    rendered(read(file), "staging", lambda *_words: Rendered(text))


def words_of_compose(data: bytes, folder: Path) -> None:
    file = folder / "compose.yaml"
    file.write_text("name: shop\nservices: {web: {image: x, env_file: [a]}}\n")
    complaints.of_compose(read(file), CommandError(["docker"], 1, data.decode(errors="replace").splitlines()))


def env_file(data: bytes, _folder: Path) -> None:
    entries, _slips = dotenv.read(data.decode(errors="replace"))
    for entry in entries:
        dotenv.interpolates(entry)


def docker_file(data: bytes, _folder: Path) -> None:
    parsed = dockerfile.parse(data.decode(errors="replace"))
    for known in parsed.stages:
        for one in known.body:
            assert one.listed is None or one.text
            list(shell.commands(one))
    if stage := parsed.last():
        parsed.lineage(stage)


def doppler_answer(data: bytes, _folder: Path) -> None:
    text = data.decode(errors="replace")
    doppler._messages(text, "token")
    doppler._seconds({"Retry-After": text})
    dotenv.written(pulling._of_json(text))


def build_progress(data: bytes, _folder: Path) -> None:
    text = data.decode(errors="replace")
    progress = buildx.Progress(lambda _line: None, lambda _step: None, {"A": "secret"})
    for line in text.splitlines():
        progress.feed(line)
    progress.evidence()
    buildx.remarks(text)


def nginx_file(data: bytes, folder: Path) -> None:
    file = folder / "nginx.conf"
    file.write_bytes(data.replace(b"include", b"inclued"))  # no other file of this machine
    nginxparse.parse(file)


def sources_of_a_service(data: bytes, _folder: Path) -> None:
    text = data.decode(errors="replace")
    for name in ("package.json", "pyproject.toml", "pom.xml", "application.properties", "application.yml", "app.py",
                 ".env.example", "Dockerfile"):  # fmt: skip
        folder = Folder("web", {"Dockerfile": "FROM scratch\n", name: text})
        list(naming.names(folder, "shop"))
        kinds.kind(folder)
        reading.port(folder)
        reading.base(folder, "web")
        reading.health(folder, "")
        reading.wanted(folder)


class _Deaf:
    """A report that keeps nothing."""

    def started(self, number: int, total: int, text: str) -> None: ...
    def ended(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def failed(self, number: int, total: int, text: str, seconds: float) -> None: ...
    def detail(self, text: str) -> None: ...
    def building(self, service: str, expected: Mapping[str, float], took: float | None) -> None: ...
    def build_step(self, name: str, state: str, at: float, seconds: float) -> None: ...
    def note(self, text: str) -> None: ...
    def log(self, text: str) -> None: ...


def journal_file(data: bytes, folder: Path) -> None:
    file = folder / "1.jsonl"
    file.write_bytes(data)
    report: Report = _Deaf()
    journal.follow(file, report)


def label(data: bytes, _folder: Path) -> None:
    with suppress(ValueError):
        release_label.unpacked(data.decode("latin-1"), {})
    with suppress(ValueError):
        release_label.unpacked(base64.b64encode(data).decode(), {"A": "1"})


TARGETS: dict[str, Target] = {
    one.__name__: one
    for one in (yaml_file, yaml_of_compose, words_of_compose, env_file, docker_file, doppler_answer, build_progress,
                nginx_file, sources_of_a_service, journal_file, label)
}  # fmt: skip

SEEDS: dict[str, list[bytes]] = {
    "yaml_file": [b"name: shop\nx-celadon: &a {environments: {staging: {<<: *b}}}\nservices: [1, {a: !!int x}]\n"],
    "yaml_of_compose": [b"services: {web: {x-celadon: {port: 1}}}\n"],
    "words_of_compose": [b"services.web.ports must be a list", b"env file /x/a not found: stat", b"yaml: line 3: x"],
    "env_file": [b"export A='x' # y\nB=\"a\\\nb\"\nC: d\n"],
    "docker_file": [b"# escape=`\nFROM a AS b\nRUN <<A x && y\nq\nA\nCMD [\"a\", \"b\"]\nHEALTHCHECK --x=5s CMD x\n"],
    "doppler_answer": [b'{"A": "1", "B": 2, "C": true}', b'{"messages": ["no"]}', b"Wed, 21 Oct 2015 07:28:00 GMT"],
    "build_progress": [json.dumps({"vertexes": [{"digest": "a", "name": "b", "started": "2026-01-01T00:00:00Z"}],
                                   "logs": [{"vertex": "a", "data": "eA=="}], "warnings": []}).encode()],
    "nginx_file": [b"http { server { listen 80; location / { proxy_pass http://a; } } }\n"],
    "sources_of_a_service": [b"server:\n  x: 1\n  port: ${PORT:8080}\n", b"app.get('/api/health')\nPORT=1\n",
                             b"<parent></parent><artifactId>x</artifactId>"],
    "journal_file": [b'{"event": "note", "words": ["x"]}\n{"event": "end", "evidence": []}\n'],
    "label": [release_label.packed({"services": {"a": {}}}).encode()],
}  # fmt: skip


def feed(name: str, data: bytes, folder: Path) -> None:
    """Give the target these bytes. Raises what only a bug raises."""
    with suppress(CeladonError):
        TARGETS[name](data, folder)


def words() -> list[Any]:
    """Pieces that readers look for, as seeds of what is made up."""
    return sorted({piece for seeds in SEEDS.values() for seed in seeds for piece in seed.split(b" ") if piece})
