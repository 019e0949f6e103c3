"""A real server on loopback that takes messages, refuses them, or never answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "c4n4ry-of-a-token"  # in every address; nothing that Celadon says may hold it


class Inbox:
    """What came, in the order it came; `url` is an address of apprise with TOKEN in it."""

    def __init__(self) -> None:
        self.came: list[dict[str, Any]] = []
        self.status = 200
        self.open = threading.Event()  # cleared: no request is answered
        self.open.set()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                inbox.came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                inbox.open.wait(60)
                self.send_response(inbox.status)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://team:{TOKEN}@127.0.0.1:{self._server.server_port}/{TOKEN}"

    @property
    def titles(self) -> list[str]:
        return [str(one["title"]) for one in self.came]

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    try:
        yield made
    finally:
        made.close()
