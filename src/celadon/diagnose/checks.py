"""The checks: each looks at one thing and yields what it found, good or bad. A new one is a new function in CHECKS."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from celadon.diagnose.facts import ERROR, INFO, OK, WARNING, Facts, Finding
from celadon.locale import _, ngettext
from celadon.locale.numbers import size
from celadon.locale.words import LIVE_RESTORE_OFF, MAKE_SWAP, called, capped_by
from celadon.plan import space

GIB = 1 << 30
DAYS = timedelta(days=7)  # of the kernel's log, and before a certificate's end
PRESSED = {"memory": 10.0, "io": 20.0, "cpu": 60.0}  # % of a minute in which something waited: people notice
SIZES = (2, 4, 8, 16, 32, 64)  # GB of memory that one can rent
RESERVE = 0.1  # of all memory, for the kernel and what is not foreseen


def memory(seen: Facts) -> Iterator[Finding]:
    """Free memory and swap."""
    free = _("memory: {free} free of {total}").format(free=size(seen.memory_free), total=size(seen.memory_total))
    if seen.memory_free < seen.memory_total * 0.05:
        yield Finding("memory", ERROR, free, _("the next build or candidate may end a service"),
                      _("See below who uses it; stop something, or give the server more."))  # fmt: skip
    elif seen.memory_free < seen.memory_total * 0.15:
        yield Finding("memory", WARNING, free, _("candidates may have to go one by one"))
    else:
        yield Finding("memory", OK, free)
    if not seen.swap_total:
        yield Finding("memory", INFO, _("no swap"), _("a short peak ends a process instead of slowing it down"),
                      MAKE_SWAP)  # fmt: skip
    elif seen.swap_free < seen.swap_total * 0.2:
        what = _("swap: {free} free of {total}").format(free=size(seen.swap_free), total=size(seen.swap_total))
        yield Finding("memory", WARNING, what, _("the server lives beyond its memory, and is slow"))


def pressure(seen: Facts) -> Iterator[Finding]:
    """What had to wait in the last minute (PSI)."""
    for kind, share in seen.pressure.items():
        if share >= PRESSED[kind]:
            what = _("something waited for {kind} in {share:.0f} percent of the last minute").format(
                kind=called(kind), share=share
            )
            yield Finding("pressure", WARNING, what, _("users wait, too"))


def kills(seen: Facts) -> Iterator[Finding]:
    """Processes that the kernel ended for lack of memory, in the last days."""
    if seen.killed == 0 and not seen.kills:  # there may be some of before it booted
        yield Finding("kills", OK, _("the kernel ended nothing for lack of memory since it booted"))
        return
    if seen.kills is None:
        what = ngettext("since it booted the kernel ended {n} process for lack of memory",
                        "since it booted the kernel ended {n} processes for lack of memory", seen.killed)  # fmt: skip
        why = _("which ones, and whether it were builds that met their cap, is in a log that this user may not read")
        yield Finding("kills", INFO, what.format(n=seen.killed), why, "sudo celadon diagnose")
        return
    lately = [k for k in seen.kills if seen.now - k.when < DAYS and not k.group.startswith("/celadon-trial")]
    if not lately:
        yield Finding("kills", OK, _("the kernel ended nothing for lack of memory in the last week"))
    for kill in lately[-10:]:
        box = next((box.name for box in seen.boxes if box.id and box.id in kill.own_group), "")
        what = _("{when}: the kernel ended {process}, which used {memory}").format(
            when=f"{kill.when:%Y-%m-%d %H:%M}",
            process=f"{kill.process} ({box})" if box else kill.process,
            memory=size(kill.memory),
        )
        if not kill.group:
            yield Finding("kills", ERROR, what, _("the whole server was out of memory"),
                          _("Limits (mem_limit) on what is large, and a server that holds their sum."))  # fmt: skip
        elif kill.group.startswith("/celadon-build") or "/buildkit/" in kill.group:
            yield Finding("kills", INFO, what, _("a build met its cap; production did not notice"))
        else:
            yield Finding("kills", WARNING, what, _("a container met its own limit"),
                          _("Raise its mem_limit, or let it use less."))  # fmt: skip


def caps(seen: Facts) -> Iterator[Finding]:
    """Whether builds are held at a cap."""
    for kind in dict.fromkeys(map(capped_by, seen.capped_by)):
        yield Finding("memory", OK, _("builds are capped by {way}: it held when it was tried").format(way=kind))
    if not seen.capped_by:
        yield Finding("memory", INFO, _("whether the kernel holds a cap on builds is tried with the next build"))


def containers(seen: Facts) -> Iterator[Finding]:
    """Containers of this workspace that are not well, or could harm the others."""
    for box in seen.boxes:
        if not box.mine:
            continue
        if box.state == "exited" and box.fall and box.fall.code == 0 and box.role == "backing":
            yield Finding("containers", INFO, _("{name} has done its work").format(name=box.name))
        elif box.state != "running":
            yield Finding("containers", ERROR, _("{name} is {state}: {why}").format(
                name=box.name, state=called(box.state), why=box.fall or _("it never ran")),
                mend=_("celadon reconcile, then: celadon logs {environment} {service}").format(
                    environment=box.environment, service=box.service))  # fmt: skip
        elif box.health == "unhealthy":
            yield Finding("containers", ERROR, _("{name} says that it is unhealthy").format(name=box.name))
        if box.restarts:
            yield Finding("containers", WARNING, ngettext(
                "{name} was restarted {n} time", "{name} was restarted {n} times", box.restarts).format(
                name=box.name, n=box.restarts),
                _("the engine picks it up; the last time: {why}").format(why=box.fall))  # fmt: skip
        if box.killed:
            yield Finding("containers", WARNING, ngettext(
                "in {name} the kernel ended {n} process for lack of memory since it started",
                "in {name} the kernel ended {n} processes for lack of memory since it started", box.killed).format(
                name=box.name, n=box.killed), mend=_("Raise its mem_limit, or let it use less."))  # fmt: skip
        if box.limit and box.memory is not None and box.memory > box.limit * 0.9:
            yield Finding("containers", WARNING, _("{name} uses {memory} of its {limit}").format(
                name=box.name, memory=size(box.memory), limit=size(box.limit)),
                _("at its limit the kernel ends it"))  # fmt: skip
        if box.log and box.log > GIB:
            yield Finding("containers", WARNING, _("the log of {name} has {size}").format(
                name=box.name, size=size(box.log)), mend=_("Bound it: logging.options.max-size"))  # fmt: skip
    unlimited = [box.service for box in seen.boxes if box.mine and box.role == "slot" and not box.limit]
    if unlimited:
        names = ", ".join(dict.fromkeys(unlimited))
        yield Finding("containers", INFO, _("without a memory limit: {names}").format(names=names),
                      _("a leak in one takes the memory of all"), _("mem_limit in compose.yaml"))  # fmt: skip
    strangers = sorted((b for b in seen.boxes if not b.mine and b.memory), key=lambda b: -(b.memory or 0))[:5]
    for box in strangers:
        yield Finding("containers", INFO, _("not of this workspace: {name} uses {memory}").format(
            name=box.name, memory=size(box.memory)))  # fmt: skip


def disk(seen: Facts) -> Iterator[Finding]:
    """Free space and inodes where the engine and the workspace write, and who has the space."""
    for one in seen.disks:
        what = _("{folder} ({holds}): {free} free of {total}").format(
            folder=one.folder, holds=", ".join(map(called, one.holds)), free=size(one.free), total=size(one.total)
        )
        if one.free < min(GIB, one.total // 20):
            yield Finding("disk", ERROR, what, _("builds, databases and logs fail when it is full"))
        elif "Docker" in one.holds and one.free < (floor := space.floor(seen.floor, one.total)):
            why = _("less than the floor of {floor}").format(floor=size(floor))
            yield Finding("disk", WARNING, what, why, "celadon cleanup --dry-run")
        else:
            yield Finding("disk", OK, what)
        if one.inodes and one.inodes_free < one.inodes * 0.05:
            yield Finding("disk", ERROR, _("{folder}: {free} of {total} inodes free").format(
                folder=one.folder, free=one.inodes_free, total=one.inodes),
                _("a disk without inodes is full, whatever `df -h` says"))  # fmt: skip
    share = seen.shares
    logs = [box.log for box in seen.boxes if box.log is not None]
    what = _("images {images} (ours {ours}, unused {unused}), volumes {volumes}, build cache {cache}, containers "
             "{containers}, their logs {logs}").format(
        images=size(share.images), ours=size(share.ours), unused=size(share.reclaimable), volumes=size(share.volumes),
        cache=size(share.cache), containers=size(share.containers),
        logs=size(sum(logs) if logs or not seen.boxes else None))  # fmt: skip
    yield Finding("disk", INFO, what)


def doors(seen: Facts) -> Iterator[Finding]:
    """The ports that environments listen on."""
    for door in seen.doors:
        where = _("{environment} at {door}").format(environment=door.environment, door=door.door)
        if door.ours:
            yield Finding("doors", OK, where)
        elif door.holder:
            yield Finding("doors", ERROR, _("{where}: the port is taken by {holder}").format(
                where=where, holder=door.holder), mend=_("Stop it, or change `listen`."))  # fmt: skip
        elif door.environment in seen.up:
            yield Finding("doors", ERROR, _("{where}: nobody listens").format(where=where),
                          mend=f"celadon up {door.environment}")  # fmt: skip


def routers(seen: Facts) -> Iterator[Finding]:
    """What containers must resolve and reach, and certificates that end."""
    for name, problem in seen.resolved.items():
        if problem:
            yield Finding("network", ERROR, _("containers cannot resolve {name}: {problem}").format(
                name=name, problem=problem), _("builds and calls to other servers fail"),
                _("Look at /etc/resolv.conf, and at a firewall that stops the containers' DNS."))  # fmt: skip
        else:
            yield Finding("network", OK, _("containers resolve {name}").format(name=name))
    for address, problem in seen.reached.items():
        if problem:
            yield Finding("network", ERROR, _("containers do not reach {address}: {problem}").format(
                address=address, problem=problem), _("builds and calls to other servers fail"),
                _("Look at a firewall or a proxy that stops what containers send: iptables -L FORWARD"))  # fmt: skip
        else:
            yield Finding("network", OK, _("containers reach {address}").format(address=address))
    for environment, end in seen.certificates.items():
        day = f"{end:%Y-%m-%d}"
        what = _("the certificate of {environment} ends on {day}").format(environment=environment, day=day)
        left = end - seen.now
        severity = ERROR if left < timedelta(0) else WARNING if left < 2 * DAYS else OK
        mend = "" if severity == OK else _("Renew it, then: celadon up {environment}").format(environment=environment)
        yield Finding("network", severity, what, mend=mend)


def engine(seen: Facts) -> Iterator[Finding]:
    """The engine's own settings."""
    one = seen.engine
    what = _("Docker {version}, Compose {compose}, Buildx {buildx}, {driver}, cgroup v{cgroups}").format(
        version=one.version, compose=one.compose, buildx=one.buildx, driver=one.driver, cgroups=one.cgroups
    )
    yield Finding("engine", OK, what)
    if not one.live_restore:
        yield Finding("engine", WARNING, *LIVE_RESTORE_OFF)
    if seen.clock_synchronized is False:
        yield Finding("engine", WARNING, _("the clock is not synchronized"),
                      _("certificates, tokens and logs go wrong"), "timedatectl set-ntp true")  # fmt: skip


def sizing(seen: Facts) -> Iterator[Finding]:
    """What these services need of a server: what runs, the second copy during a switch, one build, a reserve."""
    mine = [box for box in seen.boxes if box.mine]
    running = sum(box.memory or 0 for box in mine)
    if not running:
        return
    environments = {box.environment for box in mine}
    second = max(sum(box.memory or 0 for box in mine if box.role == "slot" and box.environment == one)
                 for one in environments)  # fmt: skip
    needed = int((running + max(second, seen.build_memory)) / (1 - RESERVE))
    fits = next((gib for gib in SIZES if gib * GIB >= needed), SIZES[-1])
    what = _("these services need {needed}: {running} as they run, {second} for a second copy in a switch or {build} "
             "for a build, and a tenth in reserve").format(
        needed=size(needed), running=size(running), second=size(second), build=size(seen.build_memory))  # fmt: skip
    if needed > seen.memory_total:
        yield Finding("sizing", WARNING, what, _("{total} is short").format(total=size(seen.memory_total)),
                      _("a server of {fits} GB holds them").format(fits=fits))  # fmt: skip
    else:
        yield Finding("sizing", OK, what, _("{total} holds them").format(total=size(seen.memory_total)))


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    memory, pressure, kills, caps, containers, disk, doors, routers, engine, sizing,
)  # fmt: skip


def findings(seen: Facts) -> list[Finding]:
    """Everything that the checks found, in their order."""
    return [finding for check in CHECKS for finding in check(seen)]
