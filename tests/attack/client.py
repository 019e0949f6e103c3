"""A hostile client of the router: raw bytes over TCP, TLS and HTTP/2, from an address of its choice."""

import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, HEADERS, DATA, END_STREAM, END_HEADERS = 4, 1, 0, 1, 4


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the head in small letters, and the body."""

    status: int
    head: str
    body: str

    def header(self, name: str) -> str | None:
        lines = [line.split(": ", 1) for line in self.head.splitlines()[1:]]
        return next((line[1] for line in lines if line[0] == name), None)

    @property
    def told(self) -> dict[str, str]:
        """The headers that the service was told, by their names in small letters; twice the same is a mistake."""
        lines = [line.split(": ", 1) for line in self.body.split("\r\n\r\n")[0].split("\r\n")[1:]]
        names = [name.lower() for name, _value in lines]
        assert len(names) == len(set(names)), self.body
        return {name.lower(): value for name, value in lines}

    @property
    def asked(self) -> str:
        """The service that was asked, and the path that it saw."""
        service, _method, path, _protocol = self.body.split("\r\n")[0].split(" ")
        return f"{service} {path}"


@dataclass(frozen=True)
class Client:
    """Who connects to `address`; `source` is its own address, "" for what the kernel chooses."""

    address: tuple[str, int]
    source: str = ""

    def connect(self, timeout: float = 10) -> socket.socket:
        source = (self.source, 0) if self.source else None
        return socket.create_connection(self.address, timeout, source_address=source)

    def secure(self, name: str | None, context: ssl.SSLContext) -> ssl.SSLSocket:
        return context.wrap_socket(self.connect(), server_hostname=name)

    def send(self, raw: bytes, connection: socket.socket | None = None) -> Answer:
        """Send exactly `raw` and read until the other side closes."""
        with connection or self.connect() as open_connection:
            open_connection.sendall(raw)
            got = b""
            while chunk := open_connection.recv(65536):
                got += chunk
        head, _blank, body = got.decode("latin-1").partition("\r\n\r\n")
        return Answer(int(head.split()[1]), head.lower(), body)

    def get(
        self,
        target: str,
        *headers: str,
        host: str | None = "shop.example",
        protocol: str = "HTTP/1.1",
        connection: socket.socket | None = None,
    ) -> Answer:
        lines = [f"GET {target} {protocol}", *([f"Host: {host}"] if host is not None else []), *headers]
        if not any(header.lower().startswith("connection:") for header in headers):
            lines.append("Connection: close")
        return self.send("\r\n".join([*lines, "", ""]).encode("latin-1"), connection)

    def get2(self, name: str, context: ssl.SSLContext, *headers: tuple[str, str]) -> str:
        """The body of a GET over HTTP/2 with exactly these headers, pseudo-headers included."""
        context.set_alpn_protocols(["h2"])
        block = b"".join(b"\0" + _text(key) + _text(value) for key, value in headers)
        request = _frame(SETTINGS, 0, 0, b"") + _frame(HEADERS, END_STREAM | END_HEADERS, 1, block)
        body = b""
        with self.secure(name, context) as connection, connection.makefile("rb") as answer:
            connection.sendall(PREFACE + request)
            while head := answer.read(9):
                payload = answer.read(int.from_bytes(head[:3]))
                body += payload if head[3] == DATA else b""
                if head[3] in (DATA, HEADERS) and head[4] & END_STREAM:
                    break
        return body.decode("latin-1")

    @contextmanager
    def hold(self, number: int, raw: bytes) -> Iterator[list[socket.socket]]:
        """So many connections that have sent `raw` and send no more."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with ExitStack() as held:
            connections = []
            for _one in range(number):  # each at once: nginx gives the place of one that said nothing to the next
                connections.append(held.enter_context(self.connect()))
                with suppress(ConnectionError):  # refused
                    connections[-1].sendall(raw)
            yield connections


def _text(text: str) -> bytes:
    raw = text.encode("latin-1")
    assert len(raw) < 127
    return bytes([len(raw)]) + raw


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def no_questions() -> ssl.SSLContext:
    """TLS that believes any certificate."""
    return ssl._create_unverified_context()  # noqa: S323
