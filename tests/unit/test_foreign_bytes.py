"""Readers of foreign bytes raise a CeladonError or nothing, in time: with what is made up, and with what is long."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TARGETS, feed, words

MADE_UP = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(st.sampled_from(words()), max_size=30).map(b" ".join),
    st.recursive(st.sampled_from([b"1", b'"a"', b"null", b"{}"]),
                 lambda inner: st.lists(inner).map(lambda several: b"[" + b",".join(several) + b"]")),
)  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.data())
def test_nothing_made_up_is_a_bug(name: str, tmp_path: Path, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from([b"", *SEEDS[name]]))
    cut = data.draw(st.integers(0, len(seed)))
    feed(name, seed[:cut] + data.draw(MADE_UP) + seed[cut:], tmp_path)


CORPUS = sorted((Path(__file__).parents[1] / "fuzz" / "corpus").glob("*/*"))


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_once_was_a_bug_is_none(file: Path, tmp_path: Path) -> None:
    feed(file.parent.name, file.read_bytes(), tmp_path)


LONG = 60_000
HARMFUL = {
    "brackets": b"[" * LONG,
    "braces": b"{" * LONG,
    "objects": b'{"a":' * LONG,
    "blocks of nginx": b"a {" * 50_000,
    "dashes": b"- " * LONG,
    "lines": b"\n" * LONG,
    "spaces": b"# a=b" + b" " * LONG + b"c",
    "quotes": b"\"'" * LONG,
    "digits": b"EXPOSE " + b"9" * LONG,
    "a number": b'{"vertexes": [{"digest": ' + b"9" * LONG + b"}]}",
    "a server without a port": b"server:\n" + b"        x: y\n" * 5000 + b"z\n",
    "parents": b"<parent>" * 20_000,
    "stages": b"FROM a\n" * 10_000,
    "heredocs": b"RUN <<X\n" * 8_000,
    "heredocs that end": b"RUN <<A\n" * 4_000 + b"\tA\n" * 4_000,
    "continuations": b"RUN a \\\n" * 20_000,
    "flags": b"RUN " + b'--a="b" ' * 20_000,
    "words of a shell": b"RUN " + b"a && b || c ; " * 10_000,
    "variables": b"A=${" * 40_000,
    "addresses": b"://a:" * 36_000,
    "paths": b'"/a-' + b"/a-" * 60_000,
    "prefixes": b"prefix " * 25_000,
    "controls": bytes(range(32)) * 5000,
    "invalid": b"\xff\xfe\xc0\x80" * 40_000,
}


@pytest.mark.parametrize("what", HARMFUL)
def test_nothing_long_takes_long(what: str, tmp_path: Path) -> None:
    slow = {}
    for name in TARGETS:
        begun = time.process_time()
        feed(name, HARMFUL[what], tmp_path)
        slow[name] = time.process_time() - begun
    assert max(slow.values()) < 5, slow
