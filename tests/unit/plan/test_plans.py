"""Plans as text: a configuration and a snapshot give the lines that an operator sees. A new case is a new file.

A case names `services` (x-celadon by service, the rest is filled in), what is `live` (environment → service →
[release, slot]), `releases` beyond those ([environment, service, id, predecessor]), `sources` (service →
[sha, subject]), containers that are not running (`ill`: environment/service → state), `memory` in MiB (free, total,
used by service), image tags of `others` (tag → workspace), the `builder` (memory in MiB, cpus), the `signatures`
(service → [sha, signer, problem]), services that are `pulled`, options `of_production`, the `request`, and the lines
`expected`.
"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from celadon.config.load import load_frozen
from celadon.config.workspace import EnvironmentConfig
from celadon.errors import CeladonError
from celadon.plan import render
from celadon.plan.deploy import plan_build, plan_deploy, refuse_deploy
from celadon.plan.promote import plan_promote
from celadon.plan.rollback import plan_drill, plan_rollback
from celadon.plan.steps import Plan
from celadon.state.disk import Disk, Image, Space
from celadon.state.signature import Signature
from celadon.state.snapshot import BACKING, IN_SLOT, ROUTER, Builder, Container, Live, Memory, Release, Snapshot, Source

CASES = sorted(Path(__file__).with_name("cases").glob("*.yaml"))
MIB = 1 << 20
NOW = datetime(2026, 1, 11, 9, 30, 12, tzinfo=UTC)


def config(case: dict[str, Any], environment: str) -> EnvironmentConfig:
    services = {
        name: {"build": {"context": f"/shop/{name}"}, "environment": {"ENVIRONMENT": environment}, **one}
        for name, one in case["services"].items()
    }
    text = yaml.safe_dump(
        {
            "x-celadon": {
                "environments": {
                    "staging": {"listen": [4400], "url": "http://shop.example:4400"},
                    "production": {
                        "listen": [4500],
                        "url": "http://shop.example",
                        "from": "staging",
                        **case.get("of_production", {}),
                    },
                },
                **case.get("top", {}),
            },
            "services": {**services, **case.get("backing", {})},
        },
        sort_keys=False,
    )
    return load_frozen(text, "shop", Path("/shop"), Path("/shop/compose.yaml"), environment)


def release(case: dict[str, Any], environment: str, service: str, id_: str, before: str | None = None) -> Release:
    commit = id_.split("-")[-1].ljust(40, "0")
    made = config(case, environment)
    known = made.services.get(service)
    key = render.build_key(commit, known) if known else ""
    print_ = render.fingerprint(render.release_document(made, known)) if known else ""
    return Release(environment, service, id_, f"sha256:{id_}", commit, "a subject", key, print_, "build", id_, before,
                   served=True)  # fmt: skip


def snapshot(case: dict[str, Any]) -> Snapshot:
    live = {(e, s): Live(*row) for e, rows in case.get("live", {}).items() for s, row in rows.items()}
    releases = [release(case, *row) for row in case.get("releases", [])]
    listed = {(r.environment, r.service, r.id) for r in releases}
    releases += [release(case, e, s, now.release) for (e, s), now in live.items() if (e, s, now.release) not in listed]
    ill = case.get("ill", {})
    containers = [
        container(e, IN_SLOT, s, now.slot, now.release, ill.get(f"{e}/{s}", "running")) for (e, s), now in live.items()
    ]
    for environment in case.get("up", [e for e, _ in live]):
        door = render.router_fingerprint(config(case, environment))
        router = container(environment, ROUTER, ROUTER, "", "", "running", door)
        old = case.get("old_router", False)
        containers.append(
            replace(router, confinement="" if old else render.router_confinement(config(case, environment)))
        )
        containers += [container(environment, BACKING, b, "", "", "running") for b in case.get("backing", {})]
    sources = {
        name: Source(name, sha.ljust(40, "0"), subject, "main", f"/shop/{name}", pulled=name in case.get("pulled", []))
        for name, (sha, subject) in case.get("sources", {}).items()
    }
    images = {r.image: r.image_id for r in releases if r.id not in case.get("lost_images", [])}
    incoming = {s: tuple(lines) for s, lines in case.get("incoming", {}).items()}
    memory = None
    if given := case.get("memory"):
        used = {c.id: given.get("used", {})[c.service] * MIB for c in containers if c.service in given.get("used", {})}
        memory = Memory(given["free"] * MIB, given["total"] * MIB, used)
    space = Space("/docker", 100 << 30, 200 << 30)
    others = {tag: Image(tag, (tag,), 0, workspace, "", False) for tag, workspace in case.get("others", {}).items()}
    builder = None
    if limits := case.get("builder"):
        builder = Builder("limited", "docker-container", "buildx_buildkit_limited0", limits[0] * MIB, limits[1])
    signatures = {
        name: Signature(name, sha.ljust(40, "0"), f"/shop/{name}", by, problem=problem)
        for name, (sha, by, problem) in case.get("signatures", {}).items()
    }
    return Snapshot(NOW, tuple(containers), tuple(releases), live, (), images, sources, incoming, memory,
                    disk=Disk((space,), space, others) if others else None, builder=builder,
                    signatures=signatures)  # fmt: skip


def container(environment: str, role: str, service: str, slot: str, id_: str, state: str, door: str = "") -> Container:
    name = f"shop-{environment}-{service}-{slot}"
    return Container(
        name, name, environment, role, service, slot, id_, f"sha256:{id_}", state, "", 0, 0, False, 0, "", 0, "", door
    )


def planned(case: dict[str, Any]) -> Plan:
    request = case["request"]
    made, seen = config(case, request["environment"]), snapshot(case)
    services = request.get("services") or list(made.services)
    whole = "services" not in request
    if request["verb"] == "deploy":
        refuse_deploy(made)
        return plan_deploy(made, seen, services, force=request.get("force", False), whole=whole)
    if request["verb"] == "build":
        return plan_build(made, seen, services, force=request.get("force", False))
    if request["verb"] == "promote":
        stop_first = request.get("strategy") == "replace"
        return plan_promote(made, config(case, "staging"), seen, services, whole=whole, stop_first=stop_first)
    known = request.get("services") or [s for e, s in seen.live if e == request["environment"]]
    return (plan_drill if request["verb"] == "drill" else plan_rollback)(made, seen, known, request.get("to"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_plan_reads_as_expected(file: Path) -> None:
    case = yaml.safe_load(file.read_text())
    try:
        lines = list(planned(case).lines())
    except CeladonError as error:
        lines = [f"{type(error).__name__}: {error.message}", *error.evidence]
        lines += [f"→ {error.hint}"] if error.hint else []
    assert "\n".join(lines) == case["expected"].rstrip("\n")
