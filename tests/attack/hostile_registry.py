"""A registry on loopback that means harm: what it does is the name of the repository."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MEGABYTE = 1 << 20
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers"}}).encode()
LAYER = b"no layer at all"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _manifest() -> bytes:
    layer = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 4096, "digest": _digest(LAYER)}
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(CONFIG)}
    whole = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {**config, "digest": _digest(CONFIG)}}
    return json.dumps({**whole, "layers": [layer]}).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        words = self.path.split("/")
        if self.path == "/v2/" or len(words) < 5:
            return self._answer(401 if self.path.startswith("/token") else 200, b"{}")
        repository, kind, reference = words[2], words[3], words[4]
        with suppress(OSError):  # who asked has heard enough
            getattr(self, f"_{repository.partition('-')[0]}")(kind, reference)
        return None

    def do_HEAD(self) -> None:
        self.do_GET()

    def _denied(self, _kind: str, _reference: str) -> None:
        realm = f'Bearer realm="http://127.0.0.1:{self.server.server_port}/token"'  # type: ignore[attr-defined]
        self._answer(401, b"{}", {"WWW-Authenticate": realm})

    def _busy(self, _kind: str, _reference: str) -> None:
        self._answer(429, b"\x1b[2J" * 1000)

    def _broken(self, _kind: str, _reference: str) -> None:
        self._answer(503, b"x" * MEGABYTE)

    def _circle(self, _kind: str, _reference: str) -> None:
        self._answer(307, b"", {"Location": self.path})

    def _deep(self, _kind: str, _reference: str) -> None:
        self._answer(200, b'{"a":' * 300_000, {"Content-Type": MANIFEST})

    def _lies(self, kind: str, reference: str) -> None:
        """Another manifest than the one whose digest it names."""
        whole = _manifest()
        said = {"Content-Type": MANIFEST, "Docker-Content-Digest": "sha256:" + "0" * 64}
        self._answer(200, whole if kind == "manifests" else CONFIG, said)

    def _cut(self, kind: str, reference: str) -> None:
        """A good manifest, and blobs that are not what it says."""
        whole = _manifest()
        if kind == "manifests":
            self._answer(200, whole, {"Content-Type": MANIFEST, "Docker-Content-Digest": _digest(whole)})
        else:
            self._answer(200, CONFIG if reference == _digest(CONFIG) else LAYER[:5] + b"\0" * 4091)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def hostile_registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
