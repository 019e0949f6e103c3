"""The Docker engine's own API, over its socket on this host: a `docker` command for the same takes ten times as long.

Source: docs.docker.com/reference/api/engine; a path without a version means the engine's newest.
"""

import functools
import hashlib
import http.client
import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from celadon.errors import CommandError, EngineError
from celadon.locale import _

SOCKET = "/var/run/docker.sock"
NOT_FOUND, CONFLICT = 404, 409
PLUGINS = tuple(Path(f"/usr/{place}/docker/cli-plugins") for place in ("local/lib", "local/libexec", "lib", "libexec"))


class Connection(http.client.HTTPConnection):
    """HTTP over the engine's socket; questions asked one after the other share it."""

    def __init__(self, timeout: float = 60.0) -> None:
        super().__init__("localhost", timeout=timeout)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(socket_file())

    def ask(self, method: str, path: str, *, query: Mapping[str, object] | None = None, body: object = None) -> Any:
        """The engine's answer, decoded; None where it has none.

        `query` values that are mappings become JSON, as the engine wants its filters. Raises CommandError, whose code
        is the HTTP status, with the engine's words when it refuses; EngineError when it does not answer.
        """
        self.put(method, path, query=query, body=body)
        return self.answer(method, path)

    def put(self, method: str, path: str, *, query: Mapping[str, object] | None = None, body: object = None) -> None:
        """Ask, and do not wait: `answer` does."""
        words = {k: json.dumps(v) if isinstance(v, Mapping) else str(v) for k, v in (query or {}).items()}
        target = f"{path}?{urlencode(words)}" if words else path
        sent = None if body is None else json.dumps(body)
        try:
            self.request(method, target, sent, {"Content-Type": "application/json"} if sent else {})
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            raise silent(problem) from None

    def answer(self, method: str, path: str) -> Any:
        """The engine's answer to what was `put`; see `ask`."""
        try:
            answer = self.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            raise silent(problem) from None
        found = json.loads(text) if text.strip() and answer.headers.get_content_type() == "application/json" else None
        if answer.status >= 400:
            message = str((found or {}).get("message") or answer.reason)
            raise CommandError(["docker", method, path], answer.status, [message], message=message)
        return found

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def ask(method: str, path: str, *, query: Mapping[str, object] | None = None, body: object = None,
        timeout: float = 60.0) -> Any:  # fmt: skip
    """One question on a connection of its own; see `Connection.ask`."""
    with Connection(timeout) as connection:
        return connection.ask(method, path, query=query, body=body)


def asked(path: str, timeout: float = 60.0) -> Callable[[], Any]:
    """Put a question, on a connection of its own; what is returned waits for the answer.

    For what takes the engine some time: it works on it while the next ones are put.
    """
    connection = Connection(timeout)
    connection.put("GET", path)

    def answer() -> Any:
        with connection:
            return connection.answer("GET", path)

    return answer


def silent(problem: Exception) -> EngineError:
    """The error for an engine that cannot be asked."""
    return EngineError(
        _("{part} does not answer.").format(part=_("The Docker engine")),
        evidence=[f"{socket_file()}: {getattr(problem, 'strerror', None) or problem}"],
        hint=_("Is it running, and may this user use it? Try: docker version; docker compose version"),
    )


def socket_file() -> str:
    """The socket that `docker` itself would use: DOCKER_HOST, else the chosen context's, else the usual one.

    Raises EngineError for an engine on another host: Celadon works beside its engine.
    """
    address = os.environ.get("DOCKER_HOST") or _context_address() or f"unix://{SOCKET}"
    if not address.startswith("unix://"):
        raise EngineError(
            _("Celadon works on the server itself, not with an engine elsewhere ({address}).").format(address=address),
            hint=_("Log in there and run it there, or unset DOCKER_HOST and `docker context use default`."),
        )
    return address.removeprefix("unix://")


def context() -> str:
    """The name of the context that `docker` uses, which is also that of the engine's own builder."""
    if os.environ.get("DOCKER_HOST"):
        return "default"
    return str(os.environ.get("DOCKER_CONTEXT") or settings_file().get("currentContext") or "default")


@functools.cache
def plugin(name: str) -> tuple[str, ...]:
    """The words before the arguments of a plugin of `docker`: its own program, from where `docker` would take it.

    `docker NAME` starts three processes before it does anything, a tenth of a second on a small server. Where the
    program is not found, `docker` may still find it, or says so in its own words. Source of the order: docker/cli,
    cli-plugins/manager.
    """
    own = settings_file().get("cliPluginsExtraDirs") or []
    for folder in (*map(Path, own), settings() / "cli-plugins", *PLUGINS):
        if os.access(folder / f"docker-{name}", os.X_OK):
            return (str(folder / f"docker-{name}"),)
    return ("docker", name)


def _context_address() -> str:
    if (name := context()) == "default":
        return ""
    known = _json(settings() / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json")
    return str(known.get("Endpoints", {}).get("docker", {}).get("Host", ""))


def settings() -> Path:
    """The folder with the settings of `docker` that this user has."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def settings_file() -> dict[str, Any]:
    """What stands in the settings of `docker`; nothing where there are none."""
    return _json(settings() / "config.json")


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
