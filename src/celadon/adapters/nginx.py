"""The router: nginx's configuration as text, tested before it counts, and switched without losing a request."""

import functools
import hashlib
import os
import re
import signal
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from celadon.adapters import engine, process
from celadon.adapters.sandbox import Sandbox
from celadon.errors import CeladonError, CommandError
from celadon.locale import _
from celadon.plan.confinement import Rights
from celadon.plan.render import ROUTER_FOLDER
from celadon.plan.routing import Routing
from celadon.state.layout import make_private, write_private

if TYPE_CHECKING:
    import jinja2

CONFIG, NEXT, REFUSED = "nginx.conf", "next.conf", "refused.conf"
CERTIFICATE = "certificate"  # names the copies that the next configuration serves: NAME.pem, NAME.key
COPY = "[0-9a-f]" * 16  # their names, as a pattern of files: what the team's own template needs may lie beside them
UNTOLD, ADRIFT = "untold", "adrift"  # marks
TAKEOVER_LIMIT = 20.0  # seconds for new workers to take over; it takes some 20 ms where nothing is wrong
LEAVING = "shutting down"


def render(routing: Routing, version: tuple[int, ...], template: str | None) -> str:
    """The configuration for `routing`, from the built-in template or the text of the user's own.

    Raises CeladonError when the template cannot be rendered.
    """
    import jinja2  # a tenth of a second that verbs which only look should not pay

    built_in = files("celadon.adapters").joinpath("nginx.conf.j2")
    text = built_in.read_text(encoding="utf-8") if template is None else template
    try:
        return _compiled(text).render(routing=routing, keepalive_min=version >= (1, 27, 4))
    except (jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as problem:
        line = getattr(problem, "lineno", 0)
        raise CeladonError(
            _("The router's template cannot be rendered: {problem}").format(problem=problem),
            evidence=[f"{line}: {text.splitlines()[line - 1].strip()}"] if line else (),
            hint=_("It is the file that x-celadon.router.template names; the built-in one is {file}").format(
                file=built_in
            ),
        ) from None


@functools.cache
def _compiled(text: str) -> "jinja2.Template":
    import jinja2

    return jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True).from_string(text)  # noqa: S701 (no HTML)


def version(sandbox: Sandbox) -> tuple[int, ...]:
    """The version of nginx in the sandbox's image, such as (1, 28, 0). Raises CommandError when it does not run."""
    for line in sandbox.run(["nginx", "-v"]).tail:
        if "nginx/" in line:
            number = line.split("nginx/")[1].split()[0]
            return tuple(int(part) for part in number.split(".") if part.isdigit())
    return ()


def stage(folder: Path, text: str, *, router: str | None, sandbox: Sandbox, rights: Rights, network: str) -> None:
    """Write `text` beside the configuration in force and let nginx test it; what is in force is not touched.

    Tested in the container `router` where it runs, else in a container of its own with the `rights` that a router
    gets: in `network`, "host" where the router uses the host's, else "none". Raises CeladonError.
    """
    make_private(folder)
    write_private(folder / NEXT, text)
    test = ["nginx", "-t", "-c", f"{ROUTER_FOLDER}/{NEXT}"]
    if router:
        result = process.run(["docker", "exec", router, *test], timeout=60, check=False)
    else:
        result = sandbox.run(test, volumes=[f"{folder}:{ROUTER_FOLDER}:ro"], capabilities=rights.capabilities,
                             network=network, read_only=rights.read_only, check=False)  # fmt: skip
    if result.code != 0:
        (folder / NEXT).replace(folder / REFUSED)
        raise CeladonError(
            _("nginx refuses the router's next configuration; the one in force was not touched."),
            evidence=[line for line in result.tail if "[emerg]" in line] or result.tail,
            hint=_("Read it: {file}").format(file=folder / REFUSED),
        )


def staged(folder: Path, text: str) -> bool:
    """Whether `text` is what nginx tested last and found good."""
    try:
        return (folder / NEXT).read_text(encoding="utf-8") == text
    except FileNotFoundError:
        return False


def in_force(folder: Path, text: str) -> bool:
    """Whether the configuration file says exactly `text`, and nginx was told."""
    if (folder / UNTOLD).exists():
        return False
    try:
        return (folder / CONFIG).read_text(encoding="utf-8") == text
    except FileNotFoundError:
        return False


def listens_on(folder: Path, door: str) -> bool:
    """Whether the configuration in force opens `door`, such as "127.0.0.1:4500"."""
    try:
        return re.search(rf"\blisten {re.escape(door)}[ ;]", (folder / CONFIG).read_text(encoding="utf-8")) is not None
    except FileNotFoundError:
        return False


def leads_to(folder: Path, address: str) -> bool:
    """Whether the configuration in force sends users to `address`."""
    try:
        return f"//{address}:" in (folder / CONFIG).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


def is_adrift(folder: Path) -> bool:
    """Whether the router's folder was lost, and its container, which still mounts the lost one, not made anew since."""
    return not (folder / CONFIG).exists() or (folder / ADRIFT).exists()


def set_adrift(folder: Path) -> None:
    """Remember that the folder was lost, until `moored`: a kill in between must not make it look whole."""
    make_private(folder)
    write_private(folder / ADRIFT, "")


def moored(folder: Path) -> None:
    """The container mounts the folder that is there."""
    (folder / ADRIFT).unlink(missing_ok=True)


def adopt(folder: Path) -> None:
    """Make the tested configuration the one that nginx reads, at its next reload or start; then say `told`.

    Whoever is killed in between leaves a mark: a file that is written is not yet what users get.
    """
    write_private(folder / UNTOLD, "")
    write_private(folder / CONFIG, (folder / NEXT).read_text(encoding="utf-8"))


def told(folder: Path) -> None:
    """nginx has the configuration: it was reloaded, or will read it when it starts. Certificates before it may go."""
    (folder / UNTOLD).unlink(missing_ok=True)
    named = "".join(f.read_text(encoding="utf-8") for f in (folder / CONFIG, folder / CERTIFICATE) if f.exists())
    for copy in (*folder.glob(f"{COPY}.pem"), *folder.glob(f"{COPY}.key")):
        if copy.stem not in named:
            copy.unlink(missing_ok=True)


def reload(router: str, pid: int, sleep: Callable[[float], None] = time.sleep) -> None:
    """Reload the router whose master process is `pid`; returns when only new workers accept connections.

    `nginx -s reload` returns before that, and what is stopped too early loses requests. Raises CeladonError.
    """
    before = set(workers(pid))
    _hang_up(router, pid)
    end = time.monotonic() + TAKEOVER_LIMIT
    while time.monotonic() < end:
        now = workers(pid)
        fresh = [worker for worker, leaving in now.items() if worker not in before and not leaving]
        if fresh and all(leaving for worker, leaving in now.items() if worker in before):
            return
        sleep(0.005)
    try:
        lines = process.run(["docker", "logs", "--tail", "10", router]).tail
    except CommandError as error:
        lines = error.tail
    raise CeladonError(
        _("The router did not take over its new configuration within {seconds:.0f} s.").format(seconds=TAKEOVER_LIMIT),
        evidence=[line for line in lines if "[emerg]" in line or "[alert]" in line] or lines,
    )


def _hang_up(router: str, pid: int) -> None:
    """Tell the master process to reload: by the kernel where this user may, else by the engine."""
    try:
        if not workers(pid):
            raise ProcessLookupError  # an engine that counts processes otherwise: not somebody else's process
        os.kill(pid, signal.SIGHUP)
    except (PermissionError, ProcessLookupError):
        engine.ask("POST", f"/containers/{router}/kill", query={"signal": "HUP"})


def drained(pid: int) -> bool:
    """Whether no old worker is left that still finishes requests."""
    return not any(workers(pid).values())


def workers(pid: int) -> dict[int, bool]:
    """nginx's worker processes below the master `pid`, and whether each is on its way out.

    Read from /proc: microseconds, no engine call, and it sees what nginx itself says in its process titles.
    """
    found: dict[int, bool] = {}
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return {}
    for child in children:
        try:
            title = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "worker process" in title:
            found[int(child)] = LEAVING in title
    return found


def keep_certificate(folder: Path, certificate: Path, key: Path) -> str:
    """Copy certificate and key to where the router reads them, under a name made of their content; returns the name.

    With a name of its own a renewed certificate is a changed configuration: it is tested before it counts, and the
    router is reloaded for it. Where the files are gone, the last copy stays. Raises CeladonError with neither.
    """
    current = folder / CERTIFICATE
    if certificate.is_file() and key.is_file():
        texts = (certificate.read_text(), key.read_text())
        name = hashlib.sha256("".join(texts).encode()).hexdigest()[:16]  # see COPY
        for text, ending in zip(texts, ("pem", "key"), strict=True):
            if not (folder / f"{name}.{ending}").exists():
                write_private(folder / f"{name}.{ending}", text)
        write_private(current, name)
        return name
    if current.exists():
        return current.read_text()
    raise CeladonError(_("There is no certificate {file}.").format(file=certificate))
