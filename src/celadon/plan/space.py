"""Whether the disk holds what a plan builds, pulls or starts; and the floor, below which build cache gives way."""

from collections.abc import Sequence

from celadon.config.workspace import EnvironmentConfig
from celadon.errors import RefusedError
from celadon.locale import _, numbers
from celadon.plan import cleanup, steps
from celadon.plan.steps import Step
from celadon.state.disk import Disk, Space
from celadon.state.snapshot import Snapshot

FLOOR, FLOOR_SHARE = 20 << 30, 0.2  # bytes; of the file system, where it is so small that 20 GB would be most of it
RESERVE, RESERVE_SHARE = 1 << 30, 0.05  # for databases and logs: a full disk stops them
UNKNOWN = 512 << 20  # bytes for an image of which nothing is known
STATE_LEAST = 64 << 20  # bytes for the record, the log, the exported source
INODES_LEAST = 20_000  # one `npm ci` takes as many
START_LEAST, START_INODES = 128 << 20, 1_000  # bytes; for what containers write before they serve, and for their logs


def floor(wanted: int, total: int) -> int:
    """Bytes to leave free on a file system of `total`; `wanted` 0 is "auto"."""
    return wanted or min(FLOOR, int(total * FLOOR_SHARE))


def missing(disk: Disk, wanted: int) -> int:
    """Bytes that the fullest of the engine's file systems lacks to its floor."""
    return max((floor(wanted, one.total) - one.free for one in disk.spaces), default=0)


def admit(config: EnvironmentConfig, snapshot: Snapshot, making: Sequence[Step]) -> tuple[tuple[Step, ...], list[str]]:
    """The steps that must come before `making` (builds and pulls) for the disk's sake, and notes that say why.

    What may go goes first where the floor is not kept. Raises RefusedError, with the arithmetic, where even then the
    disk does not hold what is made.
    """
    disk = snapshot.disk
    if disk is None or not making:
        return (), []
    _refuse_without_inodes(disk, INODES_LEAST)
    needs = {step.built.service: _need(snapshot, disk, step.built.service) for step in making
             if isinstance(step, steps.Build | steps.Pull)}  # fmt: skip
    lacking = missing(disk, config.settings.disk.floor)
    # No releases yet: what is about to be made may use the image of one.
    going = cleanup.waste(config.settings.keep, snapshot, disk, lacking, ()) if lacking > 0 else cleanup.Waste()
    tightest = min(disk.spaces, key=lambda one: one.free)
    reserve = min(RESERVE, int(tightest.total * RESERVE_SHARE))
    if max(needs.values()) + reserve > tightest.free + going.bytes or disk.state.free < STATE_LEAST:
        raise RefusedError(
            _("There is not enough free disk to build; nothing was changed."),
            evidence=[*_arithmetic(needs, tightest, reserve, going.bytes), *_holders(disk, config.workspace)],
            hint=_("See what may go: celadon cleanup --dry-run; and who has the rest: celadon diagnose"),
        )
    if not going.bytes:
        return (), []
    note = _("the disk is below its floor of {floor}: what nothing needs goes first, about {bytes}").format(
        floor=numbers.size(floor(config.settings.disk.floor, tightest.total)), bytes=numbers.size(going.bytes)
    )
    return (steps.CleanUp(),), [note]


def is_tight(disk: Disk) -> bool:
    """Whether so little is left that not even an image that is there already should be started."""
    return (
        any(one.free < START_LEAST for one in disk.spaces)
        or disk.state.free < STATE_LEAST
        or any(one.inodes and one.inodes_free < START_INODES for one in (*disk.spaces, disk.state))
    )


def admit_start(config: EnvironmentConfig, snapshot: Snapshot) -> tuple[tuple[Step, ...], list[str]]:
    """The same for candidates whose images are there already: only a disk that is all but full is in their way."""
    disk = snapshot.disk
    if disk is None or not is_tight(disk):
        return (), []
    _refuse_without_inodes(disk, START_INODES)
    tightest = min(disk.spaces, key=lambda one: one.free)
    going = cleanup.waste(config.settings.keep, snapshot, disk, START_LEAST - tightest.free, ())
    if tightest.free + going.bytes < START_LEAST or disk.state.free < STATE_LEAST:
        raise RefusedError(
            _("The disk is full: nothing can be started; nothing was changed."),
            evidence=[
                _("needed: {size} for what containers write, {state} for the record and logs").format(
                    size=numbers.size(START_LEAST), state=numbers.size(STATE_LEAST)
                ),
                _free(tightest, going.bytes),
                *_holders(disk, config.workspace),
            ],
            hint=_("See what may go: celadon cleanup --dry-run; and who has the rest: celadon diagnose"),
        )
    note = _("the disk is all but full: what nothing needs goes first, about {bytes}").format(
        bytes=numbers.size(going.bytes)
    )
    return (steps.CleanUp(),), [note]


def _need(snapshot: Snapshot, disk: Disk, service: str) -> int:
    """Bytes that the next image of `service` takes at most: what its newest one has for itself."""
    known = [disk.images[b.image_id].own for b in snapshot.built if b.service == service and b.image_id in disk.images]
    return known[-1] if known else UNKNOWN


def _refuse_without_inodes(disk: Disk, least: int) -> None:
    for one in (*disk.spaces, disk.state):
        if one.inodes and one.inodes_free < least:
            raise RefusedError(
                _("{folder} has only {free} of {total} inodes left; nothing was changed.").format(
                    folder=one.folder, free=one.inodes_free, total=one.inodes
                ),
                hint=_("Many small files took them. See what may go: celadon cleanup --dry-run"),
            )


def _arithmetic(needs: dict[str, int], space: Space, reserve: int, going: int) -> list[str]:
    largest = max(needs, key=lambda name: needs[name])
    return [
        _("needed: {size} for {service}, the largest, and {reserve} stay in reserve").format(
            size=numbers.size(needs[largest]), service=largest, reserve=numbers.size(reserve)
        ),
        _free(space, going),
    ]


def _free(space: Space, going: int) -> str:
    return _("free in {folder}: {free} of {total}; cleaning up would give {going}").format(
        folder=space.folder,
        free=numbers.size(space.free),
        total=numbers.size(space.total),
        going=numbers.size(going),
    )


def _holders(disk: Disk, workspace: str) -> list[str]:
    ours = sum(i.own for i in disk.images.values() if i.workspace == workspace)
    theirs = sum(i.own for i in disk.images.values()) - ours
    return [
        _("images of this workspace {ours}, others {theirs}, build cache {cache}").format(
            ours=numbers.size(ours),
            theirs=numbers.size(theirs),
            cache=numbers.size(sum(c.size for c in disk.cache if not c.busy)),
        ),
        _("free in {folder}: {free}").format(folder=disk.state.folder, free=numbers.size(disk.state.free)),
    ]
