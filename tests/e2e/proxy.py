"""A network that fails: what stands between a client and a real server, and gets in the way for a while."""

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType

SILENT, RESET = "silent", "reset"


class Proxy:
    """Passes connections on to `target` ("127.0.0.1:PORT"), but for the first: each of `ills` spoils one of them.

    SILENT accepts and never answers; RESET ends it in the middle of the question.
    """

    def __init__(self, target: str, ills: list[str]) -> None:
        self._target, self.ills = target, ills
        self._server = socket.create_server(("127.0.0.1", 0))
        self._kept: list[socket.socket] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        self._server.shutdown(socket.SHUT_RDWR)
        for one in (self._server, *self._kept):
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed: the story is over
            while True:
                client, _address = self._server.accept()
                self._kept.append(client)
                ill = self.ills.pop(0) if self.ills else ""
                if ill == RESET:
                    client.recv(1000)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
                elif not ill:
                    self._join(client)

    def _join(self, client: socket.socket) -> None:
        host, port = self._target.split(":")
        server = socket.create_connection((host, int(port)))
        self._kept.append(server)
        for ends in ((client, server), (server, client)):
            threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
