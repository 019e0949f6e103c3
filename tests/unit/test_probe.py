"""One question to a service, asked of a real server: what counts as a good answer, and how long it may take."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from celadon.run import probe

LIMIT = 0.5  # seconds that an answer may take
DRIP = 0.2  # seconds between two pieces: each of them in time


@contextmanager
def server(pieces: Sequence[bytes]) -> Iterator[int]:
    """Answers each question in pieces, slowly; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client = listening.accept()[0]
                    with client, suppress(OSError):
                        client.recv(1000)
                        for piece in pieces:
                            client.sendall(piece)
                            time.sleep(DRIP)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"1\r\nx\r\n"


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ([HEAD + b"Content-Length: 3\r\n\r\nfit"], (True, "200 OK: fit")),
        ([HEAD + CHUNKED, CHUNK + b"0\r\n\r\n"], (True, "200 OK: x")),
        ([b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"], (False, "503 Service Unavailable")),
        ([HEAD, *[b"X-More: y\r\n"] * 20], (False, "timed out")),
        ([HEAD + CHUNKED, *[CHUNK] * 20], (False, "timed out")),
    ],
    ids=["good", "in two pieces", "bad", "a head without an end", "a stream without an end"],
)
def test_an_answer_counts_when_it_is_there_in_time(pieces: Sequence[bytes], answer: tuple[bool, str]) -> None:
    with server(pieces) as port:
        begun = time.monotonic()
        question = probe.Question("web", "127.0.0.1", port, "/health", "shop.example", LIMIT, good=1, within=3.0)
        assert probe.ask(question) == answer
        assert time.monotonic() - begun < 3 * LIMIT


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    question = probe.Question("web", "127.0.0.1", port, "/health", "shop.example", LIMIT, good=1, within=3.0)
    assert probe.ask(question) == (False, "Connection refused")


def test_a_path_beyond_ascii_is_asked_for_as_browsers_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asked: list[bytes] = []

        def serve() -> None:
            with listening.accept()[0] as client:
                asked.append(client.recv(1000).split(b"\r\n")[0])
                client.sendall(HEAD + b"Content-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        question = probe.Question("web", "127.0.0.1", port, "/상태?a=%20b&c", "shop.example", 5, good=1, within=3.0)
        assert probe.ask(question) == (True, "200 OK")
        thread.join(5)
    assert asked == [b"GET /%EC%83%81%ED%83%9C?a=%20b&c HTTP/1.1"]
