"""A health endpoint that means harm: each question ends in time, in little memory, with few words."""

import gzip
import itertools
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from celadon.run.probe import Question, ask

OK = b"HTTP/1.1 200 OK\r\n"
MEGABYTE = 1 << 20
TIMEOUT = 1.0


@contextmanager
def endpoint(chunks: Callable[[], Iterator[bytes]]) -> Iterator[Question]:
    """A server on loopback that sends these bytes to whoever connects, until that one has gone."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                other, _address = server.accept()
                with other, suppress(OSError):
                    other.settimeout(3 * TIMEOUT)  # the kernel keeps a conversation that was cut off half open
                    other.recv(65536)
                    for chunk in chunks():
                        other.sendall(chunk)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Question("web", "127.0.0.1", server.getsockname()[1], "/", "shop.example", TIMEOUT, 1, 5.0)
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def _endless(head: bytes, chunk: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain([head], itertools.repeat(chunk))


def _drip() -> Iterator[bytes]:
    for byte in OK + b"Content-Length: 5\r\n\r\nhello":
        yield bytes([byte])
        time.sleep(0.1)


def _bomb() -> Iterator[bytes]:
    packed = gzip.compress(bytes(32 * MEGABYTE), 1)
    yield OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


@pytest.mark.parametrize(
    ("chunks", "good", "words"),
    [
        (_endless(OK + b"\r\n", b"x" * MEGABYTE), True, "200 OK: xxx"),
        (_endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b"x" * MEGABYTE + b"\r\n"), True, "200"),
        (_bomb, True, "200 OK"),
        (_endless(OK, b"X-Header: x\r\n" * 1000), False, "got more than 100 headers"),
        (_endless(OK + b"X: ", b"x" * MEGABYTE), False, "got more than 65536 bytes"),
        (_endless(b"HTTP/1.1 200 ", b"x" * MEGABYTE), False, "got more than 65536 bytes"),
        (lambda: iter([b"HTTP/1.1 200 " + b"x" * 60_000 + b"\r\n\r\nfine"]), True, "200 xxx"),
        (lambda: iter([b"x" * 60_000 + b"\r\n"]), False, "xxx"),
        (_endless(b"", b"\xff\x00" * 40_000), False, "got more than 65536 bytes"),
        (lambda: iter([b"\x16\x03\x01\x02\x00\x01\n"]), False, ""),
        (_endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), False, "timed out"),
        (_drip, False, "timed out"),
        (lambda: iter([b"<html>HTTP/0.9 knows no status</html>\n"]), False, "html"),
        (lambda: iter([OK + b"X-\xff\xfe: \xe2\x80\xae\r\nContent-Length: 2\r\n\r\nok"]), True, "200 OK: ok"),
        (lambda: iter([b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"]), False, "302 Found"),
        (lambda: iter([b"HTTP/1.1 99999999999999999999 OK\r\n\r\n"]), False, "99999"),
        (lambda: iter([OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nok"]), True, "200 OK: ok"),
        (lambda: iter([OK + b"Content-Length: -5\r\n\r\nok"]), True, "200 OK: ok"),
        (lambda: iter([OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nok"]), False, ""),
        (lambda: iter([OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 50_000 + b"\r\nok"]), False, ""),
        (lambda: iter([]), False, "Remote end closed connection"),
    ],
)  # fmt: skip
def test_no_answer_takes_more_than_its_time(chunks: Callable[[], Iterator[bytes]], good: bool, words: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with endpoint(chunks) as question:
        begun = time.monotonic()
        fine, said = ask(question)
        took = time.monotonic() - begun
    assert (fine, words in said) == (good, True), said
    assert len(said) < 400 and "\n" not in said
    assert took < TIMEOUT + 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # in KB
