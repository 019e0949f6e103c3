"""The host itself: memory of containers, free disk, who holds a port."""

import os
import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters import process
from celadon.errors import CommandError


@dataclass(frozen=True)
class Disk:
    """A file system: `free` and `total` in bytes; `inodes` is 0 where it has no fixed number; `device` is its own."""

    folder: str
    free: int
    total: int
    inodes_free: int
    inodes: int
    device: int


def disk(folder: Path) -> Disk:
    """The file system that `folder`, or the nearest folder above that is there, lies on."""
    while True:
        try:
            folder.stat()
            break
        except OSError:  # not there, or not for this user to see
            folder = folder.parent
    seen = os.statvfs(folder)
    free, total = seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize
    return Disk(str(folder), free, total, seen.f_favail, seen.f_files, folder.stat().st_dev)


def memory() -> tuple[int, int]:
    """The host's memory in bytes: what can be had without swapping, as the kernel reckons, and the whole."""
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free, total = (int(facts[name].split()[0]) * 1024 for name in ("MemAvailable", "MemTotal"))
    return free, total


def swap() -> tuple[int, int]:
    """The host's swap in bytes: free, and the whole."""
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free, total = (int(facts[name].split()[0]) * 1024 for name in ("SwapFree", "SwapTotal"))
    return free, total


def pressure() -> dict[str, float]:
    """The share of the last minute, in %, in which something waited for memory, cpu, io; {} in a kernel without PSI."""
    found = {}
    for kind in ("memory", "cpu", "io"):
        try:
            some = Path(f"/proc/pressure/{kind}").read_text().splitlines()[0]
        except (OSError, IndexError):
            continue
        found[kind] = float(some.split("avg60=")[1].split()[0])
    return found


@dataclass(frozen=True)
class Killed:
    """A process that the kernel ended for lack of memory: `when` is seconds since 1970, `memory` bytes it held, `group`
    the control group whose limit it was, "" the whole host's; `own_group` is the one that it was in."""

    when: float
    process: str
    memory: int
    group: str
    own_group: str


def kernel_kills(days: int) -> list[Killed] | None:
    """What the kernel's log says of them: since it booted, and in the last `days` before, as far as systemd's journal
    keeps that. None where this user may read neither."""
    now, before = kills_of_this_boot(), _of_the_journal(days)
    if now is None:
        return before or None
    return [*(kill for kill in before if kill.when < _booted()), *now]


def _of_the_journal(days: int) -> list[Killed]:
    asked = ["journalctl", "--quiet", "--no-pager", "--output", "short-unix", f"--since=-{days}d", "_TRANSPORT=kernel"]
    try:  # without --grep, which not every journalctl has
        return killed(process.run(asked, timeout=30, check=False).out.splitlines(), 0.0)
    except CommandError:
        return []  # no systemd here, or it is busy


def _booted() -> float:
    """When the kernel began to count, in seconds since 1970."""
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)


def kills_of_this_boot() -> list[Killed] | None:
    """What the kernel's own log says of them; None where this user may not read it."""
    try:
        descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    lines = []
    try:
        while True:
            try:
                lines.append(os.read(descriptor, 8192).decode(errors="replace"))
            except BrokenPipeError:
                continue  # overwritten while it was read: the next one
            except BlockingIOError:
                return killed(lines, _booted())
    finally:
        os.close(descriptor)


def killed(lines: Sequence[str], booted: float) -> list[Killed]:
    """What lines of /dev/kmsg ("6,812,27758877785,-;oom-kill:…"), which count from when it `booted`, or of the journal
    ("1768122000.125 host kernel: oom-kill:…") say of processes that were killed."""
    found: list[Killed] = []
    groups: dict[str, tuple[str, str]] = {}
    for line in lines:
        if cause := _OOM_CAUSE.search(line):
            groups[cause["pid"]] = cause["group"] or "", cause["own"]
        elif match := _OOM_KILL.search(line):
            when = booted + int(match["microseconds"]) / 1e6 if match["microseconds"] else float(match["seconds"])
            group, own = groups.pop(match["pid"], ("?" if "Memory cgroup" in line else "", ""))
            found.append(Killed(when, match["process"], int(match["kb"]) * 1024, group, own))
    return found


def killed_from_above(kills: Iterable[Killed] | None, container: str, about: float) -> bool:
    """Whether one of `kills` was a process of a container (by its id), within a minute of `about` (seconds since 1970),
    for lack of memory above it: not for the container's own limit."""
    return any(container in k.own_group and container not in k.group and abs(k.when - about) < 60
               for k in kills or ())  # fmt: skip


_OOM_CAUSE = re.compile(
    r"oom-kill:constraint=\w+,.*?(?:oom_memcg=(?P<group>[^,]*),)?task_memcg=(?P<own>[^,]*),.*pid=(?P<pid>\d+)"
)
_OOM_KILL = re.compile(
    r"^(?:\d+,\d+,(?P<microseconds>\d+),|(?P<seconds>[\d.]+) )"
    r".*[Oo]ut of memory: Killed process (?P<pid>\d+) \((?P<process>[^)]*)\)"
    r".*anon-rss:(?P<kb>\d+)kB"
)


def memory_of(pid: int) -> int | None:
    """Bytes of memory that the container of process `pid` uses, less the page cache it could give back.

    Read from the kernel (cgroup v2 and v1), since `docker stats` takes two seconds. None where it cannot be read.
    """
    for folder, version in _groups(pid):
        current, inactive = USAGE[version]
        with suppress(OSError, ValueError):
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            return max(0, int((folder / current).read_text()) - int(stat.get(inactive, 0)))
    return None


def kills_of(pid: int) -> int:
    """How many processes of the container of process `pid` the kernel has ended for lack of memory since it started."""
    for folder, version in _groups(pid):
        with suppress(OSError, ValueError):
            lines = (folder / KILLS[version]).read_text().splitlines()
            return int(dict(line.split() for line in lines).get("oom_kill", 0))
    return 0


# Files of a control group, by the version of control groups: memory in use, and what of it the kernel would give back.
USAGE = {2: ("memory.current", "inactive_file"), 1: ("memory.usage_in_bytes", "total_inactive_file")}
KILLS = {2: "memory.events", 1: "memory.oom_control"}


def _groups(pid: int) -> Iterator[tuple[Path, int]]:
    """The folders of a process's control groups that count memory, with their versions."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        if controllers == "":
            yield Path("/sys/fs/cgroup") / path.lstrip("/"), 2
        elif "memory" in controllers.split(","):
            yield Path("/sys/fs/cgroup/memory") / path.lstrip("/"), 1


def can_listen(address: str, port: int) -> bool:
    """Whether a TCP port of this host is free to listen on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address or "0.0.0.0", port))  # noqa: S104 (asked, not listened on)
        except PermissionError:
            return True  # a port below 1024 needs root here; the engine has it
        except OSError:
            return False
    return True


def is_listened_on(port: int) -> bool:
    """Whether somebody listens on a TCP port, whoever asks: to try it would say nothing below 1024."""
    return bool(_listening_inodes(port))


def port_holder(port: int) -> str:
    """The process that listens on a TCP port, as "name (pid N)"; "" where it cannot be seen (it needs root)."""
    inodes = _listening_inodes(port)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            links = [str(fd.readlink()) for fd in (folder / "fd").iterdir()]
            if any(link[8:-1] in inodes for link in links if link.startswith("socket:[")):
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
        except OSError:
            continue
    return ""


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(fields[9])
    return inodes
