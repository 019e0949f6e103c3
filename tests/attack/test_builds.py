"""Who pushes to one service's repository must not get, through its build, at the other services or at the host."""

import functools
import hashlib
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from celadon.adapters import cgroup
from tests.e2e.workspace import Workspace, run

pytestmark = pytest.mark.alone  # all builds of a host share one cap

SMALL = "FROM nginx:1.30\n"
# Three mounts, as BuildKit tells them apart; each step prints what was there before, as `<name: …>`.
MOUNTS = {
    "plain": "type=cache,target=/root/.npm",
    "named": "type=cache,id=pool,target=/root/.npm",
    "locked": "type=cache,target=/var/cache/apt,sharing=locked",
}
SHOW = "".join(
    f"RUN --mount={mount} cd {re.search('target=([^,]+)', mount)[1]}"  # type: ignore[index]
    f' && cat who > /{name} 2>/dev/null; echo "<{name}: $(cat /{name})>"\n'
    for name, mount in MOUNTS.items()
)
FILL = SHOW.replace("cat who", "echo poison > who; cat who")
THREADS = """\
import threading
threading.stack_size(1 << 16)
over = threading.Event()
try:
    while True:
        threading.Thread(target=over.wait).start()
except RuntimeError as problem:
    print(f"<{threading.active_count()} threads: {problem}>", flush=True)
    over.set()
    raise
"""


def pushed(team: Workspace, name: str, dockerfile: str, **files: str) -> None:
    team.commit(name, {"Dockerfile": dockerfile, **files}, "a commit")


def anew(team: Workspace) -> str:
    """An instruction that keeps the steps after it from the cache of earlier runs: a cached step prints nothing."""
    return f"ENV STORY={team.name}\n"


def built(team: Workspace, name: str, expect: int = 0) -> str:
    """What the operator sees of a build, and what its steps printed."""
    ran = team.celadon("build", "staging", team.unique(name), expect=expect)
    log = max((team.folder / ".celadon" / "logs").glob("*.log"), key=lambda file: int(file.stem))
    return ran.out + ran.err + log.read_text()


def found(told: str) -> set[str]:
    return set(re.findall(r"<(\w+: [^>$]*)>", told))


def test_a_cache_mount_and_what_was_made_with_it_are_of_one_service_only(team: Workspace) -> None:
    nothing, poison = {f"{name}: " for name in MOUNTS}, {f"{name}: poison" for name in MOUNTS}
    pushed(team, "hub", SMALL + FILL)
    assert found(built(team, "hub")) == poison
    pushed(team, "hub", SMALL + SHOW)
    assert found(built(team, "hub")) == poison, "its own next build has what it left"
    hubs = f"celadon.{team.name}.service.{team.unique('hub')}"
    reach = f'RUN --mount=type=cache,id={hubs}//root/.npm,target=/a echo "<reached: $(cat /a/who 2>/dev/null)>"\n'
    named = f"ARG BUILDKIT_CACHE_MOUNT_NS={hubs}\n"
    pushed(team, "shop", f"{named}{SMALL}{named.strip()}\n{SHOW}{reach}")
    assert found(built(team, "shop")) == {*nothing, "reached: "}
    pushed(team, "shop", SMALL + SHOW)  # the very steps that hub built, with what it put into its cache
    assert "poison" not in built(team, "shop")
    run(["docker", "run", "--rm", team.images_of("shop")[0], "test", "!", "-s", "/plain", "-a", "!", "-s", "/named"])


def test_services_share_caches_where_their_file_says_so(team: Workspace) -> None:
    built(team, "hub")
    for name in ("hub", "shop"):
        team.services[team.unique(name)]["x-celadon"]["build_cache"] = "frontend"
    team.write()
    assert "is built already" in built(team, "hub"), "the group says nothing of the image"
    pushed(team, "hub", SMALL + FILL)
    built(team, "hub")
    pushed(team, "shop", SMALL + SHOW)
    assert "poison" in built(team, "shop") + run(["docker", "run", "--rm", team.images_of("shop")[0], "cat", "/plain"])


def test_no_dockerfile_takes_the_image_of_another_service(team: Workspace) -> None:
    """Not by COPY, FROM, a mount, a variable, nor by what a base image makes it do; unless the compose file says so."""
    pushed(team, "hub", f"{SMALL}RUN echo hidden > /hidden\n")
    built(team, "hub")
    release = team.images_of("hub")[0]
    for text in (
        f"FROM nginx:1.30\nCOPY --from={release} /hidden /\n",
        f"# celadon: allow dockerfile/other-service\nARG BASE={release}\nFROM $BASE\n",
        f"FROM nginx:1.30\nRUN --mount=from=docker.io/library/{release},target=/other cat /other/hidden\n",
        f"FROM nginx:1.30\nONBUILD COPY --from={release} /hidden /\n",
    ):
        pushed(team, "shop", text)
        refused = team.celadon("build", "staging", team.unique("shop"), expect=1).err
        assert "dockerfile/other-service" in refused and release in refused
    base, other = f"{team.name}-base:1", f"{team.name}-other:1"
    onbuild = f"FROM nginx:1.30\nONBUILD COPY --from={release} /hidden /\n"
    words = ["docker", "buildx", "build", "--load", "--tag", base, "-"]
    subprocess.run(words, input=onbuild.encode(), check=True, capture_output=True)
    run(["docker", "tag", release, other])
    for text in (f"FROM {base}\n", f"FROM {other}\n"):  # what no reading of a Dockerfile finds
        pushed(team, "shop", text)
        refused = team.celadon("build", "staging", team.unique("shop"), expect=1).err
        assert "which belongs to another service" in refused and "additional_contexts" in refused
    service = team.services[team.unique("shop")]
    service["build"] = {"context": service["build"], "additional_contexts": {"hub": f"docker-image://{release}"}}
    team.write()
    text = f'FROM nginx:1.30\nCOPY --from=hub /hidden /\n{anew(team)}RUN echo "<it: $(cat /hidden)>"\n'
    pushed(team, "shop", text)
    assert found(built(team, "shop")) == {"it: hidden"}


def test_add_brings_nothing_from_the_hosts_own_network(shop: Workspace, tmp_path: Path) -> None:
    """BuildKit would fetch it from where the engine is: loopback, another environment, a cloud's metadata service."""
    (tmp_path / "page").write_text("internal\n")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = f"http://127.0.0.1:{server.server_port}/page"
        pushed(shop, "shop", f"# celadon: allow dockerfile/add-address\n{SMALL}ADD {page} /page\n")
        assert "dockerfile/add-address" in shop.celadon("build", "staging", expect=1).err
        hidden = f'{SMALL}RUN echo "<<X"\nADD {page} /page\nRUN <<X\nX\n'  # it is read otherwise than BuildKit does
        pushed(shop, "shop", hidden)
        refused = shop.celadon("build", "staging", expect=1).err
        assert page in refused and "--checksum" in refused and shop.images() == []
        known = hashlib.sha256(b"internal\n").hexdigest()
        pushed(
            shop,
            "shop",
            f'{SMALL}ADD --checksum=sha256:{known} {page} /page\n{anew(shop)}RUN echo "<it: $(cat /page)>"\n',
        )
        assert found(built(shop, "shop")) == {"it: internal"}
        server.shutdown()


def test_a_dockerfile_brings_no_frontend_of_its_own(shop: Workspace) -> None:
    """It would run in BuildKit's place, and need not keep the caches of services apart."""
    pinned = f"docker/dockerfile:1.7@sha256:{'0' * 64}"
    for line in (
        "# syntax=evil.example.com/frontend",
        f"#syntax = {pinned}",
        "// syntax=docker/dockerfile:experimental",
    ):
        pushed(shop, "shop", f"{line}\n{SMALL}")
        refused = shop.celadon("build", "staging", expect=1).err
        assert "dockerfile/frontend" in refused and shop.images() == []


def test_logins_of_proxies_are_on_no_command_line(shop: Workspace) -> None:
    """Every user of the host reads command lines; the build is given them all the same, and no log has them."""
    secret = "c4n4ryPassw0rd"
    proxy = f"http://team:{secret}@192.0.2.200:3128"
    args = {"HTTP_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "localhost", "MY_PROXY": proxy}
    service = shop.services[shop.unique("shop")]
    service["build"] = {"context": service["build"], "args": args}
    shop.write()
    see = 'test "$HTTP_PROXY" = "$https_proxy" && test "$NO_PROXY" = localhost && test "$MY_PROXY" = "$HTTP_PROXY"'
    pushed(shop, "shop", f'{SMALL}{anew(shop)}ARG MY_PROXY\nRUN {see} && echo "<length: ${{#HTTP_PROXY}}>"\n')
    with command_lines() as seen:
        told = built(shop, "shop")
    assert found(told) == {f"length: {len(proxy)}"} and secret not in told
    assert any("--build-arg MY_PROXY " in line for line in seen), "the build was seen"
    assert [line for line in seen if secret in line] == []


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """All command lines of the host that are seen while the body runs."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_what_starts_processes_without_end_dies_at_the_limit_in_words(shop: Workspace) -> None:
    run_it = "FROM python:3.14-slim\nCOPY bomb.py /\nRUN python3 /bomb.py\n"
    pushed(shop, "shop", run_it, **{"bomb.py": THREADS})
    told = built(shop, "shop", expect=1)
    assert f"limited to {cgroup.PROCESSES} processes" in told.replace("\n", " ")
    threads = int(re.search(r"<(\d+) threads", told)[1])  # type: ignore[index]
    assert cgroup.PROCESSES // 2 < threads < cgroup.PROCESSES
