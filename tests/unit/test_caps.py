"""What is remembered of caps on builds: a file that anything may have happened to."""

from pathlib import Path

import pytest

from celadon.locale.words import capped_by
from celadon.state import caps


def test_what_held_is_known_until_the_engine_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert caps.known("28") == frozenset()
    caps.remember("28", "group")
    caps.remember("28", "builder buildx_buildkit_limited0 1")
    assert caps.known("28") == {"group", "builder buildx_buildkit_limited0 1"} and caps.known("29") == frozenset()
    assert caps.file().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"another host\ngroup"])
def test_a_file_that_says_something_else_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    caps.file().parent.mkdir()
    caps.file().write_bytes(content)
    assert caps.known("28") == frozenset()


def test_a_cache_folder_that_nobody_can_write_to_stops_no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user for services has a home folder that is not there."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    caps.remember("28", "group")
    assert caps.known("28") == frozenset()


def test_a_way_of_a_newer_celadon_is_shown_as_it_is_called() -> None:
    assert capped_by("moon 1") == "moon 1"
