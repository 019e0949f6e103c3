"""`env pull` from a server that means harm: bounded memory and time, and words instead of a traceback."""

import itertools
import json
import resource
import time
import zlib
from collections.abc import Iterator

import pytest

from tests.doppler import TOKEN, Raw, doppler
from tests.unit.env.team import Team

MEGABYTE = 1 << 20


def _peak() -> int:
    """The most memory that this process ever used, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _bomb(status: str) -> Raw:
    """2 MB of gzip that unpack to 2 GB."""

    def chunks() -> Iterator[bytes]:
        yield f"HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\nLocation: /again\r\n\r\n".encode()
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        zeros = bytes(MEGABYTE)
        for _number in range(2048):
            yield packer.compress(zeros)
        yield packer.flush()

    return Raw(chunks)


def _endless(head: bytes, chunk: bytes) -> Raw:
    return Raw(lambda: itertools.chain([head], itertools.repeat(chunk)))


def _whole(body: bytes) -> Raw:
    return Raw(lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body]))


OK = b"HTTP/1.1 200 OK\r\n"
MANY = json.dumps({f"V{number}": "" for number in range(20_000)}).encode()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_bomb("200 OK"), "sent a compressed response"),
        (_bomb("302 Found"), "sent a compressed response"),
        (_bomb("401 Unauthorized"), "sent a compressed response"),
        (_endless(OK + b"\r\n", b"x" * MEGABYTE), "is larger than 4.0M"),
        (_endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b"x" * MEGABYTE + b"\r\n"), "is larger"),
        (_endless(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n", b"x" * MEGABYTE), "is larger"),
        (_endless(OK, b"X-Header: x\r\n" * 100), "broke before the answer was whole"),
        (_endless(OK + b"X: ", b"x" * MEGABYTE), "broke before the answer was whole"),
        (_endless(b"", b"\xff\x00" * 5000), "broke before the answer was whole"),
        (_endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "gave no whole answer in time"),
        (Raw(lambda: iter([OK + b"Content-Length: -1\r\n\r\n{"])), "is no whole JSON"),
        (_whole(b"[" * 300_000), "is no whole JSON"),
        (_whole(b'{"A":' * 300_000), "is no whole JSON"),
        (_whole(b'{"A": "c4n4ry", "A": "2"}'), "sets 'A' twice"),
        (_whole(MANY), "has more than 10000 variables"),
        (_whole(b'{"A": "\xff"}'), "broke before the answer was whole"),
        (Raw(lambda: iter([b"HTTP/1.1 429 X\r\nRetry-After: " + b"9" * 4000 + b"\r\n\r\n"])), "asked too often"),
        (Raw(lambda: iter([b'HTTP/1.1 401 X\r\n\r\n{"messages": ' + b"[" * 300_000])), "does not know this token"),
        (Raw(lambda: iter([b'HTTP/1.1 401 X\r\n\r\n{"messages": {"a": 1}}'])), "does not know this token"),
    ],
)
def test_nothing_that_it_sends_harms_who_asks(
    team: Team, monkeypatch: pytest.MonkeyPatch, answer: Raw, words: str
) -> None:
    team.write({"doppler": {"project": "shop", "token": TOKEN}, "timeout": "2s"})
    team.put("A=old\n")
    monkeypatch.setattr("celadon.adapters.doppler.SILENCE", 1.0)
    before, begun = _peak(), time.monotonic()
    with doppler(answer) as server:
        monkeypatch.setenv("DOPPLER_API_HOST", server.host)
        said = team.celadon("env", "pull", "staging", "-y", expect=1)
    assert words in said and "c4n4ry" not in said and len(said) < 3000, said[:3000]
    assert _peak() - before < 64 * MEGABYTE and time.monotonic() - begun < 30
    assert team.file().read_text() == "A=old\n"
