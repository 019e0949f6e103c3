"""The host itself: memory of containers, free disk, who holds a port."""

import shutil
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Disk:
    """A file system: `free` and `total` in bytes."""

    folder: str
    free: int
    total: int


def disk(folder: Path) -> Disk:
    usage = shutil.disk_usage(folder)
    return Disk(str(folder), usage.free, usage.total)


def memory() -> tuple[int, int]:
    """The host's memory in bytes: what can be had without swapping, as the kernel reckons, and the whole."""
    facts = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    free, total = (int(facts[name].split()[0]) * 1024 for name in ("MemAvailable", "MemTotal"))
    return free, total


def memory_of(pid: int) -> int | None:
    """Bytes of memory that the container of process `pid` uses, less the page cache it could give back.

    Read from the kernel (cgroup v2 and v1), since `docker stats` takes two seconds. None where it cannot be read.
    """
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in groups:
        _number, controllers, path = line.split(":", 2)
        if controllers == "":
            found = _usage(Path("/sys/fs/cgroup") / path.lstrip("/"), "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            folder = Path("/sys/fs/cgroup/memory") / path.lstrip("/")
            found = _usage(folder, "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        if found is not None:
            return found
    return None


def _usage(folder: Path, current: str, inactive: str) -> int | None:
    try:
        used = int((folder / current).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return max(0, used - int(stat.get(inactive, 0)))


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
