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
from celadon.app.hiding import HIDDEN, LEAST, PASSWORD
from celadon.app.workspace import Workspace
from celadon.config.positions import Loader
from celadon.config.workspace import EnvironmentConfig
from celadon.diagnose.checks import findings
from celadon.diagnose.facts import Facts, Finding
from celadon.diagnose.look import look
from celadon.errors import UsageError
from celadon.locale import _
from celadon.run import rendering
from celadon.state import snapshot as labels
from celadon.state.layout import write_private_bytes

LINES = 200  # of each container
CREDENTIALS = re.compile(r"://[^/@\s]+@")
HARMLESS = ("image", "restart", "logging", "mem_limit", "memswap_limit", "cpus", "cpu_shares", "deploy", "networks",
            "network_mode", "ports", "stop_grace_period", "pull_policy", "user", "read_only", "init")  # fmt: skip


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
    """Write an archive with findings, facts, history, logs and configurations, with what may be a secret hidden.

    Returns how many files it holds. Raises UsageError without the folder for it.
    """
    if not file.absolute().parent.is_dir():
        raise UsageError(_("There is no folder {folder}.").format(folder=file.absolute().parent))
    seen, found = diagnose(workspace)
    mask = Mask(workspace)
    packed = io.BytesIO()
    count = 0
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in _parts(workspace, seen, found):
            data = mask.text(content) if isinstance(content, str) else _dumped(name, mask.value(content))
            entry = tarfile.TarInfo(f"celadon-{workspace.outline.name}/{name}")
            entry.size, entry.mode, entry.mtime = len(data.encode()), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(data.encode()))
            count += 1
    write_private_bytes(file, packed.getvalue())
    return count


def _dumped(name: str, value: Any) -> str:
    if name.endswith(".json"):
        return json.dumps(value, indent=1, ensure_ascii=False, default=datetime.isoformat)
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000))


def _parts(workspace: Workspace, seen: Facts, found: Iterable[Finding]) -> Iterator[tuple[str, Any]]:
    """Name and content of each file: a text, or a value that is masked before it becomes one."""
    layout, record = workspace.layout, workspace.record
    yield "findings.json", [asdict(one) for one in found]
    yield "facts.json", asdict(seen)
    history = [{**asdict(d), "steps": [asdict(s) for s in record.steps(d.id)]} for d in record.deployments(None, 50)]
    yield "history.json", history
    yield "releases.json", [asdict(r) for r in record.releases()]
    for log in sorted((layout.root / "logs").glob("*.log")):
        yield f"logs/{log.name}", log.read_text(encoding="utf-8", errors="replace")
    for environment in workspace.outline.environments:
        for file in (layout.router(environment) / "nginx.conf", layout.router(environment) / "refused.conf"):
            if file.exists():
                yield f"{environment}/{file.name}", file.read_text(encoding="utf-8")
        if layout.compose(environment).exists():
            services = _load(layout.compose(environment))["services"]
            yield f"{environment}/compose.yaml", {name: _harmless(one) for name, one in services.items()}
    for container in docker.containers(workspace.outline.name):
        yield f"containers/{container.name}.log", "\n".join(docker.last_lines(container.id, LINES))


def _load(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader)  # noqa: S506 (a safe loader)


def _harmless(service: Mapping[str, Any]) -> dict[str, Any]:
    """What of a service cannot hold a secret, and the names of its variables."""
    return {
        **{key: value for key, value in service.items() if key in HARMLESS},
        "environment": sorted(service.get("environment") or {}),
    }


class Mask:
    """Hides what may be a secret: every value that the kept documents give to anything, and passwords in addresses.

    Which of them is a secret, only the team knows; so all are hidden but those that are too short, and the workspace's
    own names.
    """

    def __init__(self, workspace: Workspace, *more: str) -> None:
        """`more` are documents (YAML) that are not kept yet."""
        layout, outline = workspace.layout, workspace.outline
        files = [file for name in outline.environments
                 for file in (layout.compose(name), *layout.every_rendered(name))]  # fmt: skip
        values: set[str] = set()
        texts = [file.read_text(encoding="utf-8") for file in (*files, *layout.every_release()) if file.exists()]
        for document in (yaml.load(text, Loader) for text in (*texts, *more)):  # noqa: S506 (a safe loader)
            for service in (document.get("services") or {}).values():
                values |= set(_texts(_told(service)))
            values |= set(_texts(document.get("configs"))) | set(_addresses(document.get("x-celadon") or {}))
        lines = {line.strip() for value in values for line in value.replace("$$", "$").splitlines()}
        lines |= {match[1] for line in lines for match in PASSWORD.finditer(line)}  # printed alone by many a program
        names = {outline.name, *outline.environments, *outline.services, str(layout.workspace)}
        names |= {f"{name}-{slot}" for name in outline.services for slot in ("blue", "green")}
        secrets = sorted((one for one in lines - names if len(one) >= LEAST), key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, secrets))) if secrets else None

    def text(self, text: str) -> str:
        hidden = self._secrets.sub(HIDDEN, text) if self._secrets else text
        return CREDENTIALS.sub(f"://{HIDDEN}@", hidden)

    def value(self, value: Any) -> Any:
        """The same for every text in a value."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(one) for one in value]
        return value


def _told(service: Mapping[str, Any]) -> list[Any]:
    """What a service is given that may be a secret. The router is Celadon's own."""
    marks = service.get("labels") or {}
    if marks.get(labels.ROLE) == labels.ROUTER:
        return []
    given = [service.get(key) for key in ("environment", "command", "entrypoint", "healthcheck")]
    theirs = {name: value for name, value in marks.items() if not name.startswith("celadon.")}
    return [*given, theirs, (service.get("build") or {}).get("args")]


def _addresses(celadon: Mapping[str, Any]) -> Iterator[str]:
    """Where messages go: the addresses hold tokens."""
    for part in (celadon, *(celadon.get("environments") or {}).values()):
        yield from (text for text in _texts(part.get("notify")) if "://" in text)


def _texts(value: Any) -> Iterator[str]:
    """Every text, and every number as one, within a value."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
