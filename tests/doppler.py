"""A real server on loopback that answers as Doppler's API does, or as badly as a network can."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "dp.st.c4n4ry-of-doppler"
CUT, DRIP = "cut", "drip"


@dataclass(frozen=True)
class Raw:
    """An answer byte by byte, as a hostile server gives it; the iterator may never end."""

    chunks: Callable[[], Iterator[bytes]]


class Doppler:
    """`answers` are given one by one, the last one again and again: variables, (status, headers), CUT, DRIP or Raw."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent = 0  # bytes of a raw answer that went out
        self.asked: list[dict[str, Any]] = []
        doppler = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                doppler.asked.append(
                    {"path": url.path, "token": self.headers["Authorization"], "query": parse_qs(url.query)}
                )
                answer = doppler.answers.pop(0) if len(doppler.answers) > 1 else doppler.answers[0]
                if isinstance(answer, Raw):
                    self.send_raw(answer)
                elif isinstance(answer, tuple):
                    self.fail(*answer)
                else:
                    self.give({"A": "1"} if answer in (CUT, DRIP) else answer, answer)

            def send_raw(self, answer: "Raw") -> None:
                self.close_connection = True
                with suppress(OSError):  # who asked has heard enough
                    for chunk in answer.chunks():
                        doppler.sent += self.connection.send(chunk)

            def fail(self, status: int, headers: dict[str, str]) -> None:
                body = json.dumps({"messages": [f"no: {TOKEN} {status}"], "success": False}).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def give(self, variables: dict[str, str], manner: object) -> None:
                body = json.dumps(variables).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if manner == CUT:
                    self.wfile.write(body[: len(body) // 2])
                elif manner == DRIP:
                    for byte in body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(0.3)
                else:
                    self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.socket.close()


@contextmanager
def doppler(*answers: Any) -> Iterator[Doppler]:
    made = Doppler(*answers)
    try:
        yield made
    finally:
        made.close()
