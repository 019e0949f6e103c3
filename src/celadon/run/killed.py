"""Words for a build that died: what memory had to do with it, what ran beside it, and what would help."""

import re
from dataclasses import dataclass

from celadon.adapters import cgroup, docker, host
from celadon.errors import BuildError, RefusedError
from celadon.locale import _, numbers
from celadon.locale.words import MAKE_SWAP
from celadon.plan import admission
from celadon.run.ways import Group, Way
from celadon.run.world import World
from celadon.state.snapshot import Memory

STEP = 256 << 20  # bytes: a new cap is proposed in such steps
HEAP = 0.75  # of the cap, for Node's heap: the rest is its code, its buffers, and who started it
KILLED = re.compile(
    r"exit code: 137|cannot allocate memory|ResourceExhausted|\bKilled\b|SIGKILL|BrokenProcessPool", re.IGNORECASE
)
NO_PROCESS = re.compile(
    r"fork\b.*Resource temporarily unavailable|can(?:'|no)t fork|can't start new thread"
    r"|unable to create (?:new )?native thread|pthread_create\b.*(?:EAGAIN|Resource temporarily unavailable)"
    r"|(?:spawn|fork)\b.*\bEAGAIN\b",
    re.IGNORECASE,
)
NODE = re.compile(r"\b(node|npm|npx|yarn|pnpm|next|vite|webpack|tsc)\b")
NODE_HEAP = re.compile(r"JavaScript heap out of memory")


@dataclass(frozen=True)
class Seen:
    """What was seen of a build that died, bytes. `met`: the kernel ended something at the cap; `host_killed`: or
    anywhere."""

    way: Way
    cap: int
    peak: int
    met: bool
    host_killed: bool


def in_words(world: World, failure: BuildError, seen: Seen) -> BuildError:
    """A failure with memory's part in it, where it had one."""
    told = "\n".join([failure.cause, *failure.evidence])
    node = _(" For Node: ENV NODE_OPTIONS=--max-old-space-size={heap}").format(heap=int(seen.cap * HEAP) >> 20)

    def explained(message: str, hint: str, *first: str) -> BuildError:
        message = message.format(service=failure.service, step=failure.step, cap=numbers.size(seen.cap),
                                 limit=cgroup.PROCESSES)  # fmt: skip
        evidence = [*first, _beside(), *failure.evidence]
        return BuildError(message, service=failure.service, step=failure.step, evidence=evidence, hint=hint,
                          cause=failure.cause)  # fmt: skip

    if NODE_HEAP.search(told):
        return explained(_("{service}: Node's own heap limit ended {step}, not the cap of {cap}."),
                         _("Let it use more of the cap.") + node)  # fmt: skip
    if isinstance(seen.way, Group) and NO_PROCESS.search(told):
        return explained(
            _(
                "{service}: {step} could not start another process: all builds together are limited to {limit} "
                "processes."
            ),
            _("Look for a process that forks endlessly, or run fewer jobs in parallel."),
        )
    if not KILLED.search(told) and not (seen.met and seen.way.sure):
        return failure
    if seen.met:
        peak = _("the build used {peak} of {cap} when the kernel ended it").format(
            peak=numbers.size(max(seen.peak, seen.cap)), cap=numbers.size(seen.cap)
        )
        hint = _more(world, seen) + (node if NODE.search(failure.step) else "")
        return explained(_("{service}: {step} wanted more memory than a build may take ({cap})."), hint, peak)
    if seen.host_killed:
        return explained(
            _("{service}: {step} was killed while the kernel ended processes of this server for lack of memory."),
            _("Look at what runs beside it. A lower x-celadon.build.memory ends the build before it harms the server."),
        )
    if "exit code: 137" not in failure.cause:
        return failure
    return explained(
        _("{service}: {step} was ended by SIGKILL, and not for memory."), _("Somebody ended it, or the step itself.")
    )


def _beside() -> str:
    """What else took memory on the host, the largest containers first, whoever they belong to."""
    memory = Memory(*host.memory())
    running = ((c["State"]["Pid"], c["Name"].removeprefix("/")) for c in docker.every_container())
    used = sorted(((host.memory_of(pid) or 0, name) for pid, name in running if pid), reverse=True)
    largest = ", ".join(f"{name} {numbers.size(bytes_)}" for bytes_, name in used[:5])
    return _("beside it: {largest}; free on the host: {free} of {total}").format(
        largest=largest or _("no container"), free=numbers.size(memory.free),
        total=numbers.size(memory.total),
    )  # fmt: skip


def _more(world: World, seen: Seen) -> str:
    wanted = (int(seen.cap * 1.5) // STEP + 1) * STEP
    try:
        admission.build_memory(
            world.config.settings.build.model_copy(update={"memory": wanted}), Memory(*host.memory())
        )
    except RefusedError:
        hint = _("This server has no more to give beside what runs: let the step take less (fewer jobs at a time), "
                 "give the server more memory, or build elsewhere and name `image:` instead of `build:`.")  # fmt: skip
        swap = _(" Or swap, for what is idle: {command}").format(command=MAKE_SWAP)
        return hint + (swap if host.swap()[1] == 0 else "")
    return seen.way.more(wanted)
