"""The checks of `diagnose`: what was seen, and what is said of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from celadon.adapters import host
from celadon.diagnose import checks
from celadon.diagnose.facts import ERROR, INFO, OK, WARNING, Box, Door, Engine, Facts, FileSystem, Kill, Shares
from celadon.state.ending import Fall

GIB, MIB = 1 << 30, 1 << 20
NOW = datetime(2026, 1, 11, 9, tzinfo=UTC)
WEB = Box("shop-staging-web-blue-1", True, "staging", "slot", "web", "running", "healthy", 400 * MIB, 512 * MIB, 0,
          1000, "c0ffee")  # fmt: skip
WELL = Facts(
    now=NOW, memory_free=3 * GIB, memory_total=4 * GIB, swap_free=2 * GIB, swap_total=2 * GIB, pressure={"memory": 0.0},
    kills=(), engine=Engine("28.5.2", "2.40.3", "0.29.1", True, "overlay2", "/var/lib/docker", "json-file", "2"),
    boxes=(WEB,), disks=(FileSystem("/", ("Docker", "workspace"), 40 * GIB, 80 * GIB, 900, 1000),),
    shares=Shares(GIB, GIB, 0, 0, 0, 0), doors=(Door("staging", "4400", "router", True),), floor=20 * GIB,
    build_memory=256 * MIB, killed=2, up=("staging",),
)  # fmt: skip


def exited(code: int | None, **how: bool) -> Box:
    return replace(WEB, state="exited", fall=Fall(code, **how))


def ill(**changes: Any) -> list[tuple[str, str]]:
    """(severity, what) of everything that is not well."""
    found = checks.findings(replace(WELL, **changes))
    return [(f.severity, f.what) for f in found if f.severity in (WARNING, ERROR)]


def test_a_server_that_is_well_has_nothing_to_look_at() -> None:
    assert ill() == []


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        ({"memory_free": 100 * MIB}, ERROR, "memory: 100M free of 4.0G"),
        ({"memory_free": 500 * MIB}, WARNING, "memory: 500M free"),
        ({"swap_free": 10 * MIB}, WARNING, "swap: 10M free of 2.0G"),
        ({"pressure": {"memory": 31.4}}, WARNING, "waited for memory in 31 percent of the last minute"),
        ({"kills": (Kill(NOW, "java", 3 * GIB, ""),)}, ERROR, "01-11 09:00: the kernel ended java, which used 3.0G"),
        ({"kills": (Kill(NOW, "java", GIB, ""),), "killed": 0}, ERROR, "the kernel ended java"),
        ({"kills": (Kill(NOW, "node", GIB, "/docker/abc", "/docker/abc"),)}, WARNING, "the kernel ended node, which"),
        ({"kills": (Kill(NOW, "node", GIB, "", "/docker/c0ffee"),)}, ERROR, "ended node (shop-staging-web-blue-1), wh"),
        ({"boxes": (exited(137),)}, ERROR, "ended by SIGKILL (exit code 137): by somebody, or by the kernel"),
        ({"boxes": (exited(137, out_of_memory=True),)}, ERROR, "than its mem_limit"),
        ({"boxes": (exited(137, of_the_host=True),)}, ERROR, "since the server ran out of memory, not for a limit"),
        ({"boxes": (exited(137, by_hand=True),)}, ERROR, "somebody ended it through the engine, by SIGKILL"),
        ({"boxes": (exited(143),)}, ERROR, "ended by SIGTERM (exit code 143)"),
        ({"boxes": (exited(139),)}, ERROR, "by signal SIGSEGV (exit code 139)"),
        ({"boxes": (exited(255),)}, ERROR, "by itself with exit code 255"),
        ({"boxes": (exited(127),)}, ERROR, "was not found (exit code 127)"),
        ({"boxes": (exited(3),)}, ERROR, "by itself with exit code 3"),
        ({"boxes": (exited(None),)}, ERROR, "how it ended is not known any more"),
        ({"boxes": (replace(WEB, killed=2),)}, WARNING, "in shop-staging-web-blue-1 the kernel ended 2 processes"),
        ({"boxes": (replace(WEB, state="created"),)}, ERROR, "is created: it never ran"),
        ({"boxes": (replace(WEB, health="unhealthy"),)}, ERROR, "says that it is unhealthy"),
        ({"boxes": (replace(WEB, restarts=4),)}, WARNING, "was restarted 4 times"),
        ({"boxes": (replace(WEB, memory=500 * MIB),)}, WARNING, "uses 500M of its 512M"),
        ({"boxes": (replace(WEB, log=3 * GIB),)}, WARNING, "the log of shop-staging-web-blue-1 has 3.0G"),
        ({"disks": (FileSystem("/", ("Docker",), 5 * GIB, 80 * GIB, 900, 1000),)}, WARNING, "/ (Docker): 5.0G free"),
        ({"disks": (FileSystem("/", ("Docker",), 100 * MIB, 80 * GIB, 900, 1000),)}, ERROR, "/ (Docker): 100M free"),
        ({"disks": (FileSystem("/", ("Docker",), 40 * GIB, 80 * GIB, 9, 1000),)}, ERROR, "9 of 1000 inodes free"),
        ({"doors": (Door("staging", "4400", "apache2 (pid 7)", False),)}, ERROR, "is taken by apache2 (pid 7)"),
        ({"doors": (Door("staging", "4400", "", False),)}, ERROR, "staging at 4400: nobody listens"),
        ({"resolved": {"git.example.com": "code 2"}}, ERROR, "cannot resolve git.example.com"),
        ({"reached": {"git.example.com:22": "no"}}, ERROR, "do not reach git.example.com:22: no"),
        ({"certificates": {"staging": NOW - timedelta(1)}}, ERROR, "staging ends on 2026-01-10"),
        ({"certificates": {"staging": NOW + timedelta(9)}}, WARNING, "staging ends on 2026-01-20"),
        ({"engine": replace(WELL.engine, live_restore=False)}, WARNING, "live-restore is off"),
        ({"clock_synchronized": False}, WARNING, "the clock is not synchronized"),
        ({"boxes": (replace(WEB, memory=2 * GIB, limit=0),)}, WARNING, "these services need 4.4G"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(changes: dict[str, Any], severity: str, words: str) -> None:
    assert any(s == severity and words in what for s, what in ill(**changes)), ill(**changes)


def test_a_service_that_falls_again_and_again_says_how() -> None:
    [found] = [f for f in checks.findings(replace(WELL, boxes=(replace(WEB, restarts=4, fall=Fall(3)),)))
               if "restarted 4 times" in f.what]  # fmt: skip
    assert "the last time: it ended by itself with exit code 3" in found.why


def test_what_is_old_or_harmless_is_no_alarm() -> None:
    assert ill(kills=(Kill(NOW - timedelta(30), "java", GIB, ""), Kill(NOW, "npm", GIB, "/celadon-build"))) == []
    assert ill(kills=(Kill(NOW, "npm", GIB, "/docker/buildx/abc/buildkit/def"),)) == []
    assert ill(kills=None, boxes=(replace(WEB, limit=0),), swap_total=0, swap_free=0) == []
    said = {f.severity for f in checks.findings(WELL)}
    assert said <= {OK, INFO}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kills": None, "killed": 3}, "the kernel ended 3 processes for lack of memory"),
        ({"kills": None, "killed": 0}, "the kernel ended nothing for lack of memory since it booted"),
        ({"kills": (Kill(NOW, "tail", MIB, "/celadon-trial"),)}, "the kernel ended nothing for lack of memory in the"),
        ({"capped_by": ("builder buildx_buildkit_limited0 1",)}, "builds are capped by the limits of the builder"),
        ({}, "whether the kernel holds a cap on builds is tried with the next build"),
        ({"boxes": (replace(WEB, log=None),)}, "their logs -"),
        ({"boxes": ()}, "their logs 0B"),
    ],
)
def test_what_is_known_is_said(changes: dict[str, Any], words: str) -> None:
    assert any(words in f.what for f in checks.findings(replace(WELL, **changes)))


def test_the_kernels_own_words_are_read() -> None:
    lines = [
        "6,811,99,-;veth0: entered disabled state",
        "6,812,27758877785,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=b,mems_allowed=0,"
        "oom_memcg=/celadon-build,task_memcg=/celadon-build/buildkit/b,task=tail,pid=27595,uid=0",
        "3,813,27758877808,-;Memory cgroup out of memory: Killed process 27595 (tail) total-vm:50216kB, "
        "anon-rss:47616kB, file-rss:1656kB, shmem-rss:0kB, UID:0 pgtables:132kB oom_score_adj:0",
        "6,814,30000000000,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
        "task_memcg=/docker/abc,task=node,pid=4,uid=0",
        "3,815,30000000001,-;Out of memory: Killed process 4 (node) total-vm:1kB, anon-rss:2048kB, file-rss:0kB, UID:0",
    ]  # fmt: skip
    first, second = host.killed(lines, 1000.0)
    assert (first.process, first.memory, first.group) == ("tail", 47616 * 1024, "/celadon-build")
    assert (second.process, second.group, second.own_group) == ("node", "", "/docker/abc") and int(
        first.when
    ) == 1000 + 27758


def test_the_journal_of_earlier_boots_is_read() -> None:
    lines = [
        "1768122000.120000 shop kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,"
        "global_oom,task_memcg=/system.slice/docker-c0ffee.scope,task=java,pid=812,uid=0",
        "1768122000.125000 shop kernel: Out of memory: Killed process 812 (java) total-vm:9kB, anon-rss:2048kB, UID:0",
        "1768122001.000000 shop kernel: oom_reaper: reaped process 812 (java), now anon-rss:0kB, file-rss:0kB",
    ]  # fmt: skip
    [kill] = host.killed(lines, 0.0)
    assert (kill.when, kill.process, kill.memory, kill.group) == (1768122000.125, "java", 2 << 20, "")
    assert kill.own_group == "/system.slice/docker-c0ffee.scope"
