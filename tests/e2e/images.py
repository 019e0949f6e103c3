"""A real registry on loopback, for a story or longer."""

import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from celadon.adapters.sandbox import Sandbox
from tests.e2e.workspace import free_port, run


def sandbox() -> Sandbox:
    """Where Celadon runs commands of its own: in the router's image."""
    image = run(["docker", "image", "inspect", "--format", "{{.Id}}", "nginx:1.30"]).strip()
    return Sandbox(image, "celadon-test", {})


@contextmanager
def serving() -> Iterator[str]:
    """An empty registry; yields its "127.0.0.1:PORT". What was tagged for it is gone with it."""
    port = free_port()
    name = f"celadon-test-registry-{port}"
    run(["docker", "run", "--detach", "--name", name, "--publish", f"127.0.0.1:{port}:5000", "registry:2"])
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        run(["docker", "rm", "--force", "--volumes", name])
        tags = run(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).split()
        mine = [tag for tag in tags if tag.startswith(f"127.0.0.1:{port}/") and "<none>" not in tag]
        if mine:
            run(["docker", "image", "rm", *mine], check=False)
