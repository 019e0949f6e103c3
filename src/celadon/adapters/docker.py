"""What the Docker engine has: containers, images, networks. Streams go through the `docker` command."""

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from celadon.adapters import engine, ownership, process
from celadon.adapters.output import OnLine
from celadon.errors import CommandError, CommandTimeout, EngineError, Unanswered
from celadon.locale import _
from celadon.printable import coloured
from celadon.state import snapshot as labels
from celadon.state.disk import Named
from celadon.state.ending import Fall
from celadon.state.snapshot import Container

ANSWER_LIMIT = 15.0  # seconds for a question of some hundred bytes
DIGEST = re.compile("sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})")
EVENTS_KEPT = "168h"  # a week, as far as the engine remembers
_REFERENCE = re.compile(r"[A-Za-z0-9][\w./:-]*:[\w][\w.-]{0,127}")  # with a tag
STOP_LIMIT = 900.0  # seconds: longer than any sensible stop_grace_period


def require_engine() -> None:
    """Raises EngineError, in words, when the engine does not answer."""
    engine.ask("GET", "/_ping", timeout=30)


def require_compose() -> None:
    """Raises EngineError, in words, when Compose v2 is not there."""
    try:
        process.run([*engine.plugin("compose"), "version", "--short"], timeout=30)
    except CommandError as error:
        raise EngineError(
            _("{part} does not answer.").format(part=_("Docker Compose v2")),
            evidence=error.tail or [error.message],
            hint=_("Is it running, and may this user use it? Try: docker version; docker compose version"),
        ) from None


def containers(workspace: str) -> tuple[Container, ...]:
    """All containers that Celadon made for a workspace, running or not."""
    found = []
    with engine.Connection() as connection:
        wanted = {"all": 1, "filters": {"label": [f"{labels.WORKSPACE}={workspace}"]}}
        for one in connection.ask("GET", "/containers/json", query=wanted):
            with _unless_gone():  # one may end between the two questions
                raw = connection.ask("GET", f"/containers/{one['Id']}/json")
                if ownership.is_celadons(raw):
                    found.append(container(raw))
    return tuple(sorted(found, key=lambda c: c.name))


@contextmanager
def _unless_gone() -> Iterator[None]:
    """What is gone already is not an error."""
    try:
        yield
    except CommandError as refusal:
        if refusal.code != engine.NOT_FOUND:
            raise


def container(raw: Mapping[str, Any]) -> Container:
    """A container of a workspace, from what the engine says of it."""
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
        confinement=marks.get(labels.CONFINEMENT, ""),
        no_new_privileges=any(
            option in ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true")
            for option in raw["HostConfig"].get("SecurityOpt") or []
        ),
        pids_limit=max(0, raw["HostConfig"].get("PidsLimit") or 0),
    )


def frozen(container: str) -> tuple[str, dict[str, str]]:
    """The label with the release that a container was made of, "" without one; and the environment it was given."""
    with engine.Connection() as connection:
        raw = connection.ask("GET", f"/containers/{container}/json")
        of_image: list[str] = []
        with _unless_gone():
            of_image = connection.ask("GET", f"/images/{raw['Image']}/json")["Config"].get("Env") or []
    given = [one for one in raw["Config"].get("Env") or [] if one not in of_image]
    return raw["Config"]["Labels"].get(labels.DOCUMENT, ""), dict(one.split("=", 1) for one in given if "=" in one)


def every_container() -> list[dict[str, Any]]:
    """All containers of the host, as the engine describes them (its own keys)."""
    found = []
    with engine.Connection() as connection:
        for one in connection.ask("GET", "/containers/json", query={"all": 1}):
            with _unless_gone():
                found.append(connection.ask("GET", f"/containers/{one['Id']}/json"))
    return found


def limits(container: str) -> tuple[int, float, int]:
    """What a container may take: memory in bytes, and CPUs (0 without a limit); and its main process, 0 if it is down.

    Raises CommandError where there is none.
    """
    raw = engine.ask("GET", f"/containers/{container}/json")
    given = raw["HostConfig"]
    quota = given["CpuQuota"] / (given["CpuPeriod"] or 100_000)  # microseconds; the kernel's own period
    return given["Memory"], given["NanoCpus"] / 1e9 or max(quota, 0.0), raw["State"]["Pid"]


def info() -> dict[str, Any]:
    """What the engine says of itself (its own keys)."""
    return info_asked()()


def info_asked() -> Callable[[], dict[str, Any]]:
    """The same, put now and answered when called."""
    return engine.asked("/info")


def images() -> dict[str, str]:
    """Image ids by every name on the engine: by tag, and by id, since an image may have lost its tags."""
    found: dict[str, str] = {}
    for image in engine.ask("GET", "/images/json"):
        found |= dict.fromkeys([*_tags(image), image["Id"]], image["Id"])
    return found


def named_images() -> list[Named]:
    """All images of the host that have a name."""
    found = []
    for one in engine.ask("GET", "/images/json"):
        workspace = (one.get("Labels") or {}).get(labels.WORKSPACE, "")
        found.append(Named(tuple(_tags(one)), tuple(one.get("RepoDigests") or ()), workspace))
    return found


def _tags(image: Mapping[str, Any]) -> list[str]:
    return [tag for tag in image.get("RepoTags") or [] if tag != "<none>:<none>"]


def image_id(reference: str) -> str:
    return image_ids([reference])[0]


def image_ids(references: Sequence[str]) -> list[str]:
    """The ids of images, in the same order. Raises CommandError when one is not there."""
    with engine.Connection() as connection:
        return [connection.ask("GET", f"/images/{reference}/json")["Id"] for reference in references]


def repository_digest(reference: str) -> str | None:
    """The digest that an image of the engine has in its registry, by a name with a tag.

    "" where it has none, or several; None where there is no such image.
    """
    if not _REFERENCE.fullmatch(reference):
        return None
    with _unless_gone():
        found = engine.ask("GET", f"/images/{reference}/json").get("RepoDigests") or []
        wanted = _familiar(reference.rpartition(":")[0])
        digests = {one.partition("@")[2] for one in found if _familiar(one.partition("@")[0]) == wanted}
        return digests.pop() if len(digests) == 1 else ""
    return None


def _familiar(repository: str) -> str:
    """A repository as `docker` shows it: without what is meant anyway."""
    return repository.removeprefix("docker.io/").removeprefix("library/")


def has_image(reference: str) -> bool:
    """Whether an image of this very name, tag or digest is on the engine."""
    with _unless_gone():
        return bool(image_id(reference))
    return False


def pull(reference: str, timeout: float, on_line: OnLine) -> None:
    process.run(["docker", "pull", reference], timeout=timeout, on_line=on_line, bound=True, keep=0)


def digest(reference: str) -> str:
    """The digest that a registry has for `reference`; nothing is pulled.

    Raises Unanswered where the registry keeps silent: Buildx itself would wait for ever.
    """
    argv = [*engine.plugin("buildx"), "imagetools", "inspect", reference, "--format", "{{json .Manifest}}"]
    try:
        told = str(json.loads(process.run(argv, timeout=ANSWER_LIMIT).out)["digest"])
        if not DIGEST.fullmatch(told):
            raise ValueError(told)
        return told
    except (ValueError, LookupError, TypeError, RecursionError):
        message = _("The registry returned no digest for {reference}.").format(reference=reference)
        hint = _("Check the reference: docker buildx imagetools inspect {reference}").format(reference=reference)
        raise CommandError(argv, 1, (), message=message, hint=hint) from None
    except CommandTimeout as silence:
        message = _("The registry of {reference} did not answer within {seconds:.0f} s.")
        message = message.format(reference=reference, seconds=ANSWER_LIMIT)
        raise Unanswered(silence.argv, silence.code, (), message=message) from None


def tag(image: str, name: str) -> None:
    repository, _colon, word = name.rpartition(":")
    engine.ask("POST", f"/images/{image}/tag", query={"repo": repository, "tag": word})


def untag(names: Iterable[str]) -> None:
    """Remove tags; an image goes when its last tag goes, unless a container uses it."""
    for name in names:
        with suppress(CommandError):
            engine.ask("DELETE", f"/images/{name}", query={"noprune": 1})


def stop(ids: Sequence[str]) -> None:
    """Stop containers side by side: SIGTERM, and SIGKILL after each one's own grace period."""
    _each(ids, "POST", "/containers/{id}/stop", fine=(engine.NOT_FOUND,))


def remove(ids: Sequence[str]) -> None:
    """Remove containers by force, with their anonymous volumes; what is gone already is not an error."""
    _each(ids, "DELETE", "/containers/{id}", {"force": 1, "v": 1}, fine=(engine.NOT_FOUND, engine.CONFLICT))


def start(ids: Sequence[str]) -> None:
    _each(ids, "POST", "/containers/{id}/start")


def _each(ids: Sequence[str], method: str, path: str, query: Mapping[str, object] | None = None,
          fine: Sequence[int] = ()) -> None:  # fmt: skip
    """The same for several containers, side by side. Raises the first CommandError whose code is not `fine`."""

    def one(id_: str) -> None:
        try:
            engine.ask(method, path.format(id=id_), query=query, timeout=STOP_LIMIT)
        except CommandError as refusal:
            if refusal.code not in fine:
                raise

    if ids:
        from concurrent.futures import ThreadPoolExecutor  # as in process

        with ThreadPoolExecutor(len(ids)) as pool:
            list(pool.map(one, ids))


def last_fall(container: Container, now: float, *, of_the_host: bool = False) -> Fall:
    """How a container last ended, though it may run again since; `now` is seconds since 1970.

    The engine's events tell: of one that runs again the state has the exit code 0, and of none who ended it.
    `of_the_host`: the kernel's log says that memory ran out above it.
    """
    form = "{{.Action}} {{.Actor.Attributes.exitCode}}"
    argv = ["docker", "events", "--since", EVENTS_KEPT, "--until", f"{now:.3f}", "--format", form]
    wanted = [f"container={container.id}", *(f"event={name}" for name in ("die", "oom", "kill"))]
    marks = [word for one in wanted for word in ("--filter", one)]
    told = [line.split() for line in process.run([*argv, *marks], check=False).out.splitlines()]
    ends = [place for place, words in enumerate(told) if words[0] == "die" and words[-1].isdigit()]
    names = {words[0] for words in told[ends[-2] + 1 if len(ends) > 1 else 0 :]}  # since the end before
    last = int(told[ends[-1]][1]) if ends else None
    out_of_memory = container.oom_killed or "oom" in names
    above = of_the_host or (out_of_memory and not container.memory_limit)
    code = last if container.running else container.exit_code
    return Fall(code, out_of_memory and not above, "kill" in names, above)


def last_lines(name: str, count: int = 15) -> tuple[str, ...]:
    """The last lines that a container printed, to both of its streams."""
    lines: list[str] = []
    process.run(["docker", "logs", "--tail", str(count), name], check=False, on_line=lines.append, keep=0)
    return tuple(lines[-count:])


def port_holder(port: int) -> str:
    """The name of the container that publishes `port`, "" when none does."""
    found = engine.ask("GET", "/containers/json", query={"filters": {"publish": [str(port)]}})
    return str(found[0]["Names"][0]).removeprefix("/") if found else ""


def free_subnet(name: str) -> ipaddress.IPv4Network:
    """A subnet that the engine itself would choose now: one from its pools that overlaps with no route of the host."""
    remove_network(name)  # left of a run that was killed here
    engine.ask("POST", "/networks/create", body={"Name": name})
    try:
        return ipaddress.IPv4Network(subnet(name) or "")
    finally:
        remove_network(name)


def make_network(name: str, subnet: str, dynamic: str, gateway: str, marks: Mapping[str, str]) -> None:
    """Make a network whose addresses outside `dynamic` are never handed out by the engine itself."""
    addresses = {"Config": [{"Subnet": subnet, "IPRange": dynamic, "Gateway": gateway}]}
    engine.ask("POST", "/networks/create", body={"Name": name, "IPAM": addresses, "Labels": dict(marks)})


def remove_network(name: str) -> None:
    """Remove a network; what is gone already is not an error."""
    with _unless_gone():
        engine.ask("DELETE", f"/networks/{name}")


def subnet(name: str) -> str | None:
    """The subnet of a network; None where there is no such network."""
    with _unless_gone():
        return str(engine.ask("GET", f"/networks/{name}")["IPAM"]["Config"][0]["Subnet"])
    return None


def has_network(name: str) -> bool:
    return subnet(name) is not None


def interactive(name: str, argv: Sequence[str], *, terminal: bool) -> int:
    """Run `argv` in a container on this terminal; returns its code."""
    return process.attach(["docker", "exec", "--interactive", *(["--tty"] if terminal else []), name, *argv])


def logs(name: str, *, follow: bool, tail: str, since: str | None) -> int:
    """Show a container's output; returns the code. A terminal gets its colours, and nothing else that acts on it."""
    argv = ["docker", "logs", "--tail", tail, *(["--follow"] if follow else []), *(["--since", since] if since else [])]
    return process.shown([*argv, name], coloured)
