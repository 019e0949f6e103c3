"""What an operator is told of a repair: after the host's lock is free again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from celadon.app import healing
from celadon.app.workspace import open_workspace


def test_a_terminal_that_nobody_reads_does_not_keep_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compose.yaml").write_text("{name: shop, x-celadon: {environments: {staging: {}}}, services: {}}")
    monkeypatch.setattr("celadon.adapters.docker.containers", lambda _workspace: [])
    happened: list[str] = []

    @contextmanager
    def locked(*_words: object) -> Iterator[None]:
        happened.append("locked")
        yield
        happened.append("free")

    monkeypatch.setattr(healing, "locked", locked)
    monkeypatch.setattr(healing, "heal", lambda *_words: ("started web",))
    report = SimpleNamespace(note=happened.append)
    healing.heal_told(open_workspace(tmp_path), "staging", report)  # type: ignore[arg-type]
    assert happened == ["locked", "free", "healed: started web"]
