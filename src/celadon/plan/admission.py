"""Whether the server can hold what a plan starts: all candidates at once, one after the other, or not at all."""

from collections.abc import Mapping, Sequence

from celadon.config.model import BuildOptions
from celadon.config.workspace import EnvironmentConfig
from celadon.errors import RefusedError
from celadon.locale import _, numbers
from celadon.plan.common import Arrival
from celadon.state.snapshot import Builder, Memory, Snapshot

RESERVE_SHARE, RESERVE_LEAST = 0.05, 128 << 20  # of all memory, bytes: for what is not foreseen
UNKNOWN = 128 << 20  # bytes for a service of which nothing is known: no limit, and it never ran here

BUILD_RESERVE_SHARE, BUILD_RESERVE_LEAST = 0.1, 256 << 20  # a build's need is less known than a service's
BUILD_LEAST = 256 << 20  # bytes: with less no package manager gets far

# Arrivals that are switched together, one group after the other.
Turns = tuple[tuple[Arrival, ...], ...]


def turns(config: EnvironmentConfig, snapshot: Snapshot, arrivals: Sequence[Arrival]) -> tuple[Turns, list[str]]:
    """The groups in which candidates start, and notes on why they are not one.

    A candidate stands beside what is live until the switch. What it will need is what the service takes now, in
    whatever environment it runs; before it ever ran, its limit. Raises RefusedError, with the arithmetic, where not
    even one fits.
    """
    memory = snapshot.memory
    if not arrivals or memory is None:
        return ((tuple(arrivals),) if arrivals else ()), []
    needs = {a.release.service: 0 if a.replace else need(config, snapshot, memory, a.release.service) for a in arrivals}
    reserve = max(RESERVE_LEAST, int(memory.total * RESERVE_SHARE))
    room = memory.free - reserve
    if sum(needs.values()) <= room:
        return (tuple(arrivals),), []
    too_big = [name for name, bytes_ in needs.items() if bytes_ > room]
    if too_big:
        raise RefusedError(
            _("There is not enough memory to start {names} beside what runs; nothing was changed.").format(
                names=", ".join(too_big)
            ),
            evidence=_arithmetic(needs, memory, reserve),
            hint=_("Give the server more, lower what runs, or accept a downtime: --strategy replace"),
        )
    note = _("memory does not hold all candidates at once: they go one by one, each switched on its own")
    return tuple((a,) for a in arrivals), [note, *_arithmetic(needs, memory, reserve)]


def need(config: EnvironmentConfig, snapshot: Snapshot, memory: Memory, service: str) -> int:
    """Bytes that a candidate of `service` will probably take."""
    known = [memory.used[c.id] for c in snapshot.containers if c.service == service and c.id in memory.used]
    limit = _limit(config, service)
    if known:
        return min(max(known), limit) if limit else max(known)
    return limit or UNKNOWN


def build_memory(options: BuildOptions, memory: Memory, builder: Builder | None = None) -> int:
    """Bytes that a build may take at most: what its builder may, or the file says, else what is free less a reserve.

    Raises RefusedError, with the arithmetic, where the host does not hold that much, or the builder more than the file.
    """
    if builder:
        _refuse_more(options, builder)
    reserve = max(BUILD_RESERVE_LEAST, int(memory.total * BUILD_RESERVE_SHARE))
    room = memory.free - reserve
    bounded = builder if builder and builder.memory else None
    limit = bounded.memory if bounded else options.memory
    wanted = limit or BUILD_LEAST
    if room >= wanted:
        return limit or room
    why = _("the limit of the builder {name}").format(name=bounded.name) if bounded else "x-celadon.build.memory"
    raise RefusedError(
        _("There is not enough memory to build beside what runs; nothing was changed."),
        evidence=[_("a build gets: {wanted} ({why})").format(wanted=numbers.size(wanted), why=why),
                  _free(memory, reserve)],
        hint=_("Lower x-celadon.build.memory or what runs, give the server more, or build elsewhere and name `image:`"),
    )  # fmt: skip


def _refuse_more(options: BuildOptions, builder: Builder) -> None:
    """Raises RefusedError where a builder's limits are above those of the file."""
    if options.memory and builder.memory > options.memory:
        raise RefusedError(
            _("The builder {name} may take {limit}, more than x-celadon.build.memory ({memory}).").format(
                name=builder.name, limit=numbers.size(builder.memory), memory=numbers.size(options.memory)
            ),
            hint=builder.bounded(f"{options.memory >> 20}m"),
        )
    if options.cpus and builder.memory and not 0 < builder.cpus <= options.cpus:
        raise RefusedError(
            _("The builder {name} may take more of the CPUs than x-celadon.build.cpus ({cpus:g}).").format(
                name=builder.name, cpus=options.cpus
            ),
            hint=f"docker update --cpus {options.cpus:g} {builder.container}",
        )


def _limit(config: EnvironmentConfig, service: str) -> int:
    definition = config.services[service].definition if service in config.services else {}
    limits = ((definition.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    return int(definition.get("mem_limit") or limits.get("memory") or 0)


def _arithmetic(needs: Mapping[str, int], memory: Memory, reserve: int) -> list[str]:
    wanted = " + ".join(f"{name} {numbers.size(bytes_)}" for name, bytes_ in needs.items())
    return [
        _("needed: {wanted} = {sum}").format(wanted=wanted, sum=numbers.size(sum(needs.values()))),
        _free(memory, reserve),
    ]


def _free(memory: Memory, reserve: int) -> str:
    return _("free: {free} of {total}, of which {reserve} stay in reserve").format(
        free=numbers.size(memory.free), total=numbers.size(memory.total), reserve=numbers.size(reserve)
    )
