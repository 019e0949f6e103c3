"""What is wrong with this server: the findings, and a bundle of everything that somebody else needs to say why."""

import io
import json
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from celadon.adapters import docker
from celadon.app.masking import mask_of
from celadon.app.workspace import Workspace
from celadon.config.positions import Loader
from celadon.config.workspace import EnvironmentConfig
from celadon.diagnose.checks import findings
from celadon.diagnose.facts import Facts, Finding
from celadon.diagnose.look import look
from celadon.errors import UsageError
from celadon.locale import _
from celadon.run import rendering
from celadon.state import encryption
from celadon.state.layout import write_private_bytes

LINES = 200  # of each container
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
    mask = mask_of(workspace.outline, workspace.layout, [], every=True)
    packed = io.BytesIO()
    count = 0
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in _parts(workspace, seen, found):
            data = mask(content) if isinstance(content, str) else _dumped(name, mask.value(content))
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
            text = encryption.read(layout, layout.compose(environment))
            services = yaml.load(text, Loader)["services"]  # noqa: S506 (a safe loader)
            yield f"{environment}/compose.yaml", {name: _harmless(one) for name, one in services.items()}
    for container in docker.containers(workspace.outline.name):
        yield f"containers/{container.name}.log", "\n".join(docker.last_lines(container.id, LINES))


def _harmless(service: Mapping[str, Any]) -> dict[str, Any]:
    """What of a service cannot hold a secret, and the names of its variables."""
    return {
        **{key: value for key, value in service.items() if key in HARMLESS},
        "environment": sorted(service.get("environment") or {}),
    }
