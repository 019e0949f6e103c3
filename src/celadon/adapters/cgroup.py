"""The control group that builds run in: a kernel's limit on their memory, made directly or through the engine.

BuildKit ignores `--memory`, but puts every RUN step below the group that `--cgroup-parent` names, with version 1 and 2,
with the drivers cgroupfs and systemd. Source: docs.kernel.org/admin-guide/cgroup-v2, and cgroup-v1/memory.
"""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters.sandbox import Sandbox
from celadon.locale import _

ROOT = Path("/sys/fs/cgroup")
GROUP = "celadon-build"
# Builds have what nobody else wants of the CPUs: what a service needs it has at once. A kernel before 5.15 knows no
# idle groups; there they have a fifth of what everybody else has.
WEIGHT_V2, WEIGHT_V1 = 20, 205
PROCESSES = 4096  # of all builds together, threads included: a fork bomb ends there, and no compiler comes near it
PERIOD = 100_000  # microseconds, of the CPU quota

# Sets files of groups, for a user whom the kernel does not let, in a container that sees these groups alone.
SCRIPT = 'while [ $# -gt 1 ]; do printf %s "$2" > "$1" || true; shift 2; done'
INSIDE = "/limits"  # where that container finds them


@dataclass(frozen=True)
class Usage:
    """The most that builds used, in bytes, and whether the limit was met since it was set: a count that then differs.

    `most` is what the kernel knows: with version 1 since the limit was set, with version 2 at this very moment.

    Version 2 counts what the kernel killed there. Version 1 counts that only in the groups below, which are gone when a
    build has ended; it knows that usage was at the limit.
    """

    most: int
    met: int


def limit(memory: int, cpus: float | None, sandbox: Callable[[], Sandbox], group: str = GROUP) -> None:
    """Let whatever runs in `group` use at most `memory` bytes, swap included, and give way to the rest of the host.

    `sandbox` is asked for by a user who may not do it without the engine: its image may have to be pulled, and has a
    shell. Raises OSError or CommandError.
    """
    memory -= memory % os.sysconf("SC_PAGE_SIZE")  # the kernel would round it
    files = _files(memory, cpus, group)
    try:
        for file, value in files:
            with suppress(FileNotFoundError):  # a kernel without swap accounting, or without a CPU controller
                file.parent.mkdir(exist_ok=True)
                _write(file, value)
    except OSError as problem:
        if problem.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        _through_the_engine(files, sandbox())
    if capped_at(group) != memory:
        words = _("{group}: the kernel says {held} bytes, not {memory}")
        raise OSError(words.format(group=group, held=capped_at(group), memory=memory))


def _write(file: Path, value: str) -> None:
    with file.open("r+") as out:
        out.write(value)


def _files(memory: int, cpus: float | None, group: str) -> list[tuple[Path, str]]:
    quota = int(cpus * PERIOD) if cpus else 0
    if version() == 2:
        below = ROOT / group
        return [
            (below / "memory.max", str(memory)),
            (below / "memory.swap.max", "0"),
            *_idle(below, "cpu.weight", WEIGHT_V2),
            (below / "cpu.max", f"{quota or 'max'} {PERIOD}"),
            (below / "pids.max", str(PROCESSES)),
        ]
    below, cpu = ROOT / "memory" / group, ROOT / "cpu" / group
    return [
        (below / "memory.memsw.limit_in_bytes", "-1"),  # never below the other one, whichever way it moves
        (below / "memory.limit_in_bytes", str(memory)),
        (below / "memory.memsw.limit_in_bytes", str(memory)),
        (below / "memory.max_usage_in_bytes", "0"),
        *_idle(cpu, "cpu.shares", WEIGHT_V1),
        (cpu / "cpu.cfs_quota_us", str(quota or -1)),
        (ROOT / "pids" / group / "pids.max", str(PROCESSES)),
    ]


def _idle(group: Path, name: str, weight: int) -> list[tuple[Path, str]]:
    """An idle group takes no weight: it has to be none for the moment."""
    return [(group / "cpu.idle", "0"), (group / name, str(weight)), (group / "cpu.idle", "1")]


def _through_the_engine(files: Sequence[tuple[Path, str]], sandbox: Sandbox) -> None:
    """Only the group's own folders are mounted; the engine makes those that are missing, which makes the group."""
    folders = {folder: f"{INSIDE}/{number}" for number, folder in enumerate(dict.fromkeys(f.parent for f, _v in files))}
    words = [word for file, value in files for word in (f"{folders[file.parent]}/{file.name}", value)]
    volumes = [f"{folder}:{inside}" for folder, inside in folders.items()]
    sandbox.run(["sh", "-c", SCRIPT, "celadon", *words], volumes=volumes, host_root=True)


def version() -> int:
    return 2 if (ROOT / "cgroup.controllers").exists() else 1


def capped_at(group: str = GROUP) -> int | None:
    """The limit in force, in bytes; None without one."""
    file = ROOT / group / "memory.max" if version() == 2 else ROOT / "memory" / group / "memory.limit_in_bytes"
    text = file.read_text().strip() if file.exists() else "max"
    return int(text) if text.isdigit() else None


def usage(group: str = GROUP) -> Usage:
    """What `group` uses now; zeros where there is no such group."""
    try:
        if version() == 2:
            below = ROOT / group
            events = dict(line.split() for line in (below / "memory.events").read_text().splitlines())
            return Usage(_number(below / "memory.current"), int(events["oom_kill"]))
        below = ROOT / "memory" / group
        most, limited = (_number(below / f"memory.{what}_in_bytes") for what in ("max_usage", "limit"))
        return Usage(most, int(most >= limited))
    except (OSError, KeyError, ValueError):
        return Usage(0, 0)


def _number(file: Path) -> int:
    return int(file.read_text())


def killed_by_the_host() -> int:
    """How many processes the kernel has killed for lack of memory since it booted, in groups or for the whole host."""
    facts = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return int(facts.get("oom_kill", 0))
