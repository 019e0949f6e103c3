"""What is wrong with this server: the findings, and a bundle of everything that somebody else needs to say why."""

import io
import json
import re
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from celadon.adapters import docker
from celadon.app.workspace import Workspace
from celadon.config.positions import Loader
from celadon.config.workspace import EnvironmentConfig
from celadon.diagnose.checks import findings
from celadon.diagnose.facts import Facts, Finding
from celadon.diagnose.look import look
from celadon.run import rendering
from celadon.state.layout import write_private_bytes

LINES = 200  # of each container
HIDDEN = "***"
SECRET = 6  # characters: what is shorter is no secret, and to hide it would spoil every text


def diagnose(workspace: Workspace) -> tuple[Facts, list[Finding]]:
    """One look at the server, and what the checks say of it. Raises EngineError without an engine."""
    seen = look(workspace.outline, workspace.layout, dict(_configs(workspace)))
    return seen, findings(seen)


def _configs(workspace: Workspace) -> Iterator[tuple[str, EnvironmentConfig]]:
    outline = workspace.outline
    for name in outline.environments:
        config = rendering.kept(workspace.record, workspace.layout, outline.name, name, outline.file)
        if config:
            yield name, config


def bundle(workspace: Workspace, file: Path) -> int:
    """Write an archive with findings, facts, history, logs and configurations, without the value of any variable of any
    environment. Returns how many files it holds."""
    seen, found = diagnose(workspace)
    hide = _hiding(_secrets(workspace))
    packed = io.BytesIO()
    count = 0
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in _parts(workspace, seen, found):
            data = hide(text).encode()
            entry = tarfile.TarInfo(f"celadon-{workspace.outline.name}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
            count += 1
    write_private_bytes(file, packed.getvalue())
    return count


def _parts(workspace: Workspace, seen: Facts, found: Iterable[Finding]) -> Iterator[tuple[str, str]]:
    """Name and text of each file."""
    layout, record = workspace.layout, workspace.record
    yield "findings.json", _json([asdict(one) for one in found])
    yield "facts.json", _json(asdict(seen))
    history = [{**asdict(d), "steps": [asdict(s) for s in record.steps(d.id)]} for d in record.deployments(None, 50)]
    yield "history.json", _json(history)
    yield "releases.json", _json([asdict(r) for r in record.releases()])
    for log in sorted((layout.root / "logs").glob("*.log")):
        yield f"logs/{log.name}", log.read_text(errors="replace")
    for environment in workspace.outline.environments:
        for file in (layout.router(environment) / "nginx.conf", layout.router(environment) / "refused.conf"):
            if file.exists():
                yield f"{environment}/{file.name}", file.read_text()
        if layout.compose(environment).exists():
            document = yaml.load(layout.compose(environment).read_text(), Loader)  # noqa: S506 (a safe loader)
            for service in document["services"].values():
                service["environment"] = dict.fromkeys(service.get("environment") or {}, HIDDEN)
            yield f"{environment}/compose.yaml", yaml.safe_dump(document, sort_keys=False)
    for container in docker.containers(workspace.outline.name):
        yield f"containers/{container.name}.log", "\n".join(docker.last_lines(container.id, LINES))


def _json(value: object) -> str:
    return json.dumps(value, indent=1, default=datetime.isoformat)


def _secrets(workspace: Workspace) -> set[str]:
    """Every value of every environment that is kept: which of them is a secret, only the team knows."""
    documents = [workspace.layout.compose(name) for name in workspace.outline.environments]
    for name in workspace.outline.environments:
        documents += workspace.layout.every_rendered(name)
    documents += workspace.layout.every_release()
    found: set[str] = set()
    for file in documents:
        if file.exists():
            document = yaml.load(file.read_text(), Loader)  # noqa: S506 (a safe loader)
            for service in (document.get("services") or {}).values():
                found |= _values(service.get("environment")) | _values((service.get("build") or {}).get("args"))
    return {value for value in found if len(value) >= SECRET}


def _values(given: Mapping[str, Any] | None) -> set[str]:
    texts = {str(value).replace("$$", "$") for value in (given or {}).values() if value is not None}
    # A password within an address is printed alone by many a program.
    return texts | {match[1] for text in texts for match in re.finditer(r"://[^:/@]*:([^@]+)@", text)}


def _hiding(secrets: Iterable[str]) -> Any:
    longest_first = sorted(secrets, key=len, reverse=True)
    if not longest_first:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(one) for one in longest_first))
    return lambda text: pattern.sub(HIDDEN, text)
