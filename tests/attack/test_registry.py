"""A registry that means harm: every answer of it ends in words and in time, and starts nothing."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attack.hostile_registry import hostile_registry
from tests.e2e.workspace import Ran, Workspace

MODES = ("denied", "busy", "broken", "circle", "deep", "lies", "cut")


def test_nothing_that_a_registry_answers_is_more_than_a_failed_deployment(tmp_path: Path) -> None:
    workspaces = {mode: Workspace(tmp_path / mode) for mode in MODES}

    def deploy(mode: str) -> tuple[Ran, float, list[str]]:
        one = workspaces[mode]
        name = one.unique(mode)
        one.services[name] = {"image": f"{address}/{name}:v1", "x-celadon": {"port": 80, "route": "/", "health": "/"}}
        one.folder.mkdir()
        one.write()
        begun = time.monotonic()
        ran = one.celadon("deploy", "staging", expect=None)
        return ran, time.monotonic() - begun, one.containers("label=celadon.role=slot")

    try:
        with hostile_registry() as address, ThreadPoolExecutor(len(MODES)) as pool:
            for mode, (ran, took, started) in zip(MODES, pool.map(deploy, MODES), strict=True):
                said = ran.out + ran.err
                words = "cannot be pulled" if mode == "cut" else "the registry does not give"
                assert (ran.code, words in said, started) == (1, True, []), (mode, said[-3000:])
                assert len(said) < 8000 and "Traceback" not in said and "\x1b" not in said, (mode, said[-3000:])
                assert took < 120, (mode, took)
    finally:
        for one in workspaces.values():
            one.remove()
