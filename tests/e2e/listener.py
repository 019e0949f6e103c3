"""A browser tab with an open stream."""

import socket
import threading
import time

UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n"


class Listener(threading.Thread):
    """A browser tab with an open stream: what it heard, until when, and how it ended."""

    def __init__(self, port: int, headers: str) -> None:
        super().__init__(daemon=True)
        self.heard, self.end, self.last = b"", "", 0.0
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._connection.sendall(f"GET /shop/api/stream HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        self.start()

    def run(self) -> None:
        try:
            while chunk := self._connection.recv(4096):
                self.heard += chunk
                self.last = time.monotonic()
            self.end = "closed"
        except OSError as problem:
            self.end = type(problem).__name__
