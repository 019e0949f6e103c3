"""Who holds the lock, as the lock's file says it: whatever is in it, it is one plain line or nothing."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celadon.run import lock_holder
from celadon.run.lock_folder import LIMIT
from celadon.run.lock_holder import LONGEST, Holder

ME = Holder(7, "ann", "shop", "deploy staging", "2026-01-01T00:00:00", "2/9 빌드 web")
GIVEN = {"pid": 7, "user": "ann", "workspace": "shop", "what": "deploy staging", "since": "2026-01-01T00:00:00"}


def test_what_is_written_is_read() -> None:
    assert lock_holder.read(lock_holder.written(ME)) == ME
    assert len(lock_holder.written(ME)) == len(lock_holder.written(Holder(7, "a" * 5000, "", "", ""))) == LIMIT


@pytest.mark.parametrize(
    "forged",
    [
        "free\nlock: free",
        "a\rb",
        "\x1b[2Jgone",
        "\x9b2J",
        "tom\u202eroot",
        "\u2066a",
        "a\u2028b",
        "\u200bann",
        "\ud800",
    ],
)
def test_a_text_cannot_forge_a_line(forged: str) -> None:
    holder = lock_holder.read(json.dumps({**GIVEN, "user": forged}).encode())
    assert holder and len(str(holder).splitlines()) == 1
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(letter) for letter in str(holder)}
    assert lock_holder.read(lock_holder.written(Holder(7, forged, "", "", ""))) is not None  # nor is it written


@pytest.mark.parametrize(
    "wrong",
    [
        {"pid": "7"}, {"pid": -1}, {"pid": 0}, {"pid": 1 << 40}, {"pid": True}, {"pid": 1.5}, {"user": None},
        {"user": ["x"]}, {"what": "x" * (LONGEST + 1)}, {"more": 1}, {"since": {}},
    ],
)  # fmt: skip
def test_a_wrong_type_or_length_is_nobody(wrong: dict[str, object]) -> None:
    assert lock_holder.read(json.dumps({**GIVEN, **wrong}).encode()) is None


@given(st.binary(max_size=LIMIT))
def test_any_bytes_are_a_holder_or_nobody(data: bytes) -> None:
    assert lock_holder.read(data) is None or str(lock_holder.read(data))


def test_deep_nesting_is_nobody() -> None:
    assert lock_holder.read(b"[" * LIMIT) is None and lock_holder.read(b'{"pid":' * 500) is None
