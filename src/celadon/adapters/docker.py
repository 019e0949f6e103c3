"""The Docker engine through its own command: containers, images, networks."""

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celadon.adapters import process
from celadon.errors import CommandError, EngineError
from celadon.locale import _
from celadon.state import snapshot as labels
from celadon.state.snapshot import Container

STOP_LIMIT = 900.0  # seconds: longer than any sensible stop_grace_period


def require_engine() -> None:
    """Raises EngineError, in words, when the engine does not answer."""
    _require(["docker", "version", "--format", "{{.Server.Version}}"], _("The Docker engine"))


def require_compose() -> None:
    """Raises EngineError, in words, when Compose v2 is not there."""
    _require(["docker", "compose", "version", "--short"], _("Docker Compose v2"))


def _require(argv: Sequence[str], part: str) -> None:
    try:
        process.run(argv, timeout=30)
    except CommandError as error:
        raise EngineError(
            _("{part} does not answer.").format(part=part),
            evidence=error.tail or [error.message],
            hint=_("Is it running, and may this user use it? Try: docker version; docker compose version"),
        ) from None


def containers(workspace: str) -> tuple[Container, ...]:
    """All containers of a workspace, running or not."""
    mark = f"label={labels.WORKSPACE}={workspace}"
    ids = process.run(["docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", mark]).out.split()
    if not ids:
        return ()
    # A container may end between the two calls: what is gone is not an error.
    shown = process.run(["docker", "inspect", "--type", "container", *ids], check=False)
    return tuple(sorted(map(_container, json.loads(shown.out.strip() or "[]")), key=lambda c: c.name))


def _container(raw: Mapping[str, Any]) -> Container:
    state, marks = raw["State"], raw["Config"]["Labels"]
    networks = raw["NetworkSettings"]["Networks"]
    home = f"{marks[labels.WORKSPACE]}-{marks.get(labels.ENVIRONMENT, '')}_default"
    return Container(
        id=raw["Id"],
        name=raw["Name"].removeprefix("/"),
        environment=marks.get(labels.ENVIRONMENT, ""),
        role=marks.get(labels.ROLE, ""),
        service=marks.get(labels.SERVICE, ""),
        slot=marks.get(labels.SLOT, ""),
        release=marks.get(labels.RELEASE, ""),
        image_id=raw["Image"],
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "").replace("none", ""),
        restarts=raw["RestartCount"],
        exit_code=state["ExitCode"],
        oom_killed=state["OOMKilled"],
        pid=state["Pid"],
        address=((networks.get(home) or {}).get("IPAMConfig") or {}).get("IPv4Address", ""),
        memory_limit=raw["HostConfig"]["Memory"],
        started=state["StartedAt"],
        fingerprint=marks.get(labels.FINGERPRINT, ""),
        folder=marks.get(labels.FOLDER, ""),
    )


def images() -> dict[str, str]:
    """Image ids by every name on the engine: by tag, and by id, since an image may have lost its tags."""
    form = "{{.Repository}}:{{.Tag}}\t{{.ID}}"
    lines = process.run(["docker", "image", "ls", "--no-trunc", "--format", form]).out.splitlines()
    named = dict(line.split("\t") for line in lines)
    named.pop("<none>:<none>", None)
    return named | {line.split("\t")[1]: line.split("\t")[1] for line in lines}


def tags_of(workspace: str) -> list[str]:
    """The tags of images that were built for a workspace."""
    mark = f"label={labels.WORKSPACE}={workspace}"
    form = "{{.Repository}}:{{.Tag}}"
    return process.run(["docker", "image", "ls", "--filter", mark, "--format", form]).out.split()


def image_labels(reference: str) -> Mapping[str, str]:
    """The labels of an image; none where there is no such image."""
    form = "{{json .Config.Labels}}"
    shown = process.run(["docker", "image", "inspect", "--format", form, reference], check=False)
    return json.loads(shown.out.strip() or "null") or {}


def image_id(reference: str) -> str:
    return image_ids([reference])[0]


def image_ids(references: Sequence[str]) -> list[str]:
    """The ids of images, in the same order. Raises CommandError when one is not there."""
    return process.run(["docker", "image", "inspect", "--format", "{{.Id}}", *references]).out.split()


def pull(reference: str, timeout: float, on_line: process.OnLine) -> None:
    process.run(["docker", "pull", reference], timeout=timeout, on_line=on_line, bound=True)


def digest(reference: str) -> str:
    """The digest that a registry has for `reference`; nothing is pulled."""
    form = "{{json .Manifest}}"
    out = process.run(["docker", "buildx", "imagetools", "inspect", reference, "--format", form], timeout=60).out
    return str(json.loads(out)["digest"])


def tag(image: str, name: str) -> None:
    process.run(["docker", "image", "tag", image, name])


def untag(names: Iterable[str]) -> None:
    """Remove tags; an image goes when its last tag goes, unless a container uses it."""
    for name in names:
        process.run(["docker", "image", "rm", "--no-prune", name], check=False)


def stop(names: Sequence[str]) -> None:
    """Stop containers side by side: SIGTERM, and SIGKILL after each one's own grace period."""
    if names:
        process.run(["docker", "stop", *names], timeout=STOP_LIMIT)


def remove(names: Sequence[str]) -> None:
    """Remove containers by force, with their anonymous volumes; what is gone already is not an error."""
    if names:
        process.run(["docker", "rm", "--force", "--volumes", *names], check=False)


def start(names: Sequence[str]) -> None:
    if names:
        process.run(["docker", "start", *names])


def signal(name: str, sign: str) -> None:
    process.run(["docker", "kill", "--signal", sign, name])


def execute(name: str, argv: Sequence[str], timeout: float = 30) -> process.Result:
    """Run `argv` in a running container; the code is not checked."""
    return process.run(["docker", "exec", name, *argv], timeout=timeout, check=False)


@dataclass(frozen=True)
class Fall:
    """How a container last ended, though it may run again since."""

    code: int
    out_of_memory: bool


def last_fall(container: Container, now: float) -> Fall:
    """How a container ended; of one that was started again the engine's events tell (`now` is seconds since 1970).

    Its state speaks only of the present: a container that runs again has the exit code 0.
    """
    if not container.running:
        return Fall(container.exit_code, container.oom_killed)
    form = "{{.Action}} {{.Actor.Attributes.exitCode}}"
    argv = ["docker", "events", "--since", "1h", "--until", f"{now:.3f}", "--format", form]
    marks = ["--filter", f"container={container.id}", "--filter", "event=die", "--filter", "event=oom"]
    told = [line.split() for line in process.run([*argv, *marks], check=False).out.splitlines()]
    codes = [int(words[1]) for words in told if words[0] == "die" and words[-1].isdigit()]
    return Fall(codes[-1] if codes else container.exit_code, any(words[0] == "oom" for words in told))


def last_lines(name: str, count: int = 15) -> tuple[str, ...]:
    """The last lines that a container printed."""
    return process.run(["docker", "logs", "--tail", str(count), name], check=False).tail[-count:]


def port_holder(port: int) -> str:
    """The name of the container that publishes `port`, "" when none does."""
    out = process.run(["docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}"]).out.split()
    return out[0] if out else ""


def free_subnet(name: str) -> ipaddress.IPv4Network:
    """A subnet that the engine itself would choose now: one from its pools that overlaps with no route of the host."""
    process.run(["docker", "network", "rm", name], check=False)  # left of a run that was killed here
    process.run(["docker", "network", "create", name])
    try:
        form = "{{(index .IPAM.Config 0).Subnet}}"
        out = process.run(["docker", "network", "inspect", "--format", form, name]).out
        return ipaddress.IPv4Network(out.strip())
    finally:
        process.run(["docker", "network", "rm", name], check=False)


def make_network(name: str, subnet: str, dynamic: str, gateway: str, labels: Mapping[str, str]) -> None:
    """Make a network whose addresses outside `dynamic` are never handed out by the engine itself."""
    marks = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    ranges = ["--subnet", subnet, "--ip-range", dynamic, "--gateway", gateway]
    process.run(["docker", "network", "create", *ranges, *marks, name])


def remove_network(name: str) -> None:
    """Remove a network; what is gone already is not an error."""
    process.run(["docker", "network", "rm", "--force", name])


def subnet(name: str) -> str | None:
    """The subnet of a network; None where there is no such network."""
    form = "{{(index .IPAM.Config 0).Subnet}}"
    shown = process.run(["docker", "network", "inspect", "--format", form, name], check=False)
    return shown.out.strip() or None


def has_network(name: str) -> bool:
    return process.run(["docker", "network", "inspect", "--format", "{{.Id}}", name], check=False).code == 0


def interactive(name: str, argv: Sequence[str], *, terminal: bool) -> int:
    """Run `argv` in a container on this terminal; returns its code."""
    return process.attach(["docker", "exec", "--interactive", *(["--tty"] if terminal else []), name, *argv])


def logs(name: str, *, follow: bool, tail: str, since: str | None) -> int:
    """Show a container's output on this terminal; returns the code."""
    argv = ["docker", "logs", "--tail", tail, *(["--follow"] if follow else []), *(["--since", since] if since else [])]
    return process.attach([*argv, name])
