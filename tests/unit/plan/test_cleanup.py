"""What may go, and whether the disk holds what comes: tables in, words out."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from celadon.errors import RefusedError
from celadon.plan import cleanup, space
from celadon.plan.expect import FINISHED, BuildStep
from celadon.plan.steps import Build, CleanUp
from celadon.state.disk import Cached, Disk, Image, Space
from celadon.state.snapshot import Built, Live, Release, Snapshot, Source
from tests.unit.plan.test_plans import NOW, config

CASES = yaml.safe_load(Path(__file__).with_name("cleanup.yaml").read_text())
MB = 1 << 20
FOREVER = datetime.max.replace(tzinfo=UTC)


def seen(case: dict[str, Any]) -> tuple[Snapshot, Disk]:
    images = {
        row["id"]: Image(row["id"], tuple(row.get("tags", ())), row.get("mb", 100) * MB, row.get("of", "shop"), "0",
                         row.get("used", False))
        for row in case.get("images", [])
    }  # fmt: skip
    releases = tuple(
        Release(e, s, id_, image, "c" * 40, "", "", "", "build", id_, before, served=True)
        for e, s, id_, image, before in case.get("releases", [])
    )
    live = {(e, s): Live(id_, "blue") for e, s, id_ in case.get("live", [])}
    built = tuple(Built(s, id_, image, "c" * 40, "", "", id_) for s, id_, image in case.get("built", []))
    cache = tuple(
        Cached(row["id"], row.get("step", "[2/3] RUN make"), row.get("mb", 100) * MB, f"{row['day']}T09:30:12.5Z",
               row.get("busy", False), tuple(row.get("over", ())))
        for row in case.get("cache", [])
    )  # fmt: skip
    free, total = case.get("free", 90000), case.get("total", 100000)
    where = Space("/data", free * MB, total * MB, case.get("inodes_free", 0), case.get("inodes", 0))
    disk = Disk((where,), Space("/state", case.get("state", 5000) * MB, 9000 * MB), images, cache)
    mine = frozenset(case.get("made", [row["id"] for key in ("cache", "images") for row in case.get(key, [])]))
    worked = [(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 9, 9, 30, 12, tzinfo=UTC))]
    if "working since" in case:
        worked.append((datetime.fromisoformat(f"{case['working since']}T00:00:00Z"), FOREVER))
    return Snapshot(NOW, (), releases, live, built, workspace="shop", disk=disk, made=mine, at_work=tuple(worked)), disk


@pytest.mark.parametrize("name", CASES["goes"])
def test_what_goes(name: str) -> None:
    case = CASES["goes"][name]
    snapshot, disk = seen(case)
    going = cleanup.waste(case.get("keep", 1), snapshot, disk, case.get("lacking", 0) * MB,
                          case.get("environments"))  # fmt: skip
    rows = [f"{kind} {what} {bytes_ // MB}" for kind, what, bytes_, _why in going.rows()]
    assert rows == case["expected"]
    assert going.bytes // MB == sum(int(row.split()[-1]) for row in rows)


@pytest.mark.parametrize("name", CASES["room"])
def test_whether_there_is_room(name: str) -> None:
    case = CASES["room"][name]
    snapshot, _disk = seen(case)
    options = {"floor": f"{case['floor']}m"} if "floor" in case else {}
    made = config(
        {"services": {"web": {"x-celadon": {"port": 80, "route": "/", "health": "/h"}}}, "top": {"disk": options}},
        "staging",
    )
    making = [Build(Built(s, "", "", "c" * 40, "", "", ""), Source(s, "c" * 40, "", "", "/src"), {})
              for s in case.get("making", ["web"])]  # fmt: skip
    try:
        starting = case.get("starting", False)
        first, notes = space.admit_start(made, snapshot) if starting else space.admit(made, snapshot, making)
        lines = [*(["clean up first"] if first == (CleanUp(),) else []), *notes]
    except RefusedError as refusal:
        lines = [refusal.message, *refusal.evidence]
    assert lines == case["expected"]


@pytest.mark.parametrize("name", CASES["made"])
def test_which_cache_is_ours(name: str) -> None:
    case = CASES["made"][name]
    ran = [BuildStep(step, FINISHED, at=100.0 + number) for number, step in enumerate(case["steps"])]
    cache = [Cached(id_, description, 0, "2026-01-01", busy=False, created=created)
             for created, key in ((99.9, "old"), (100.0, "new"))
             for id_, description in case.get(key, {}).items()]  # fmt: skip
    assert sorted(cleanup.made_by(ran, cache, case.get("arguments", {}))) == case["expected"]
    assert any(step.makes_a_layer for step in ran) == case.get("asked", True)
