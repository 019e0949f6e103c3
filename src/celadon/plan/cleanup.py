"""What may go: releases beyond `keep`, nameless images, build cache below the floor; only what this workspace made."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from celadon.locale import _, numbers
from celadon.plan import retire
from celadon.plan.expect import BuildStep, without_values
from celadon.state.disk import Cached, Disk, Image, Space
from celadon.state.snapshot import Built, Release, Snapshot

SECOND = timedelta(seconds=1)  # the record's times have no smaller part
_RUN = re.compile(r"\[[^\]]*\] RUN |mount / from exec ")


@dataclass(frozen=True)
class Waste:
    """What nothing needs. `sizes` are the bytes that go with an image, by its id; none for what else holds it."""

    releases: tuple[Release, ...] = ()
    built: tuple[Built, ...] = ()
    images: tuple[Image, ...] = ()
    cache: tuple[Cached, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values()) + sum(c.size for c in self.cache)

    def rows(self) -> list[tuple[str, str, int, str]]:
        """Each object: kind, name, bytes, why it may go. Of several names of one image the first has its bytes."""
        left = dict(self.sizes)
        kept = _("more than `keep` releases older than the live one, and no rollback brings it back")
        return [
            *(("release", f"{r.environment} {r.image}", left.pop(r.image_id, 0), kept) for r in self.releases),
            *(("image", b.image, left.pop(b.image_id, 0), _("no release uses it")) for b in self.built),
            *(("image", i.id.removeprefix("sha256:")[:12], left.pop(i.id, 0), _("it has no name and no container"))
              for i in self.images),
            *(("build cache", f"{c.id[:12]} {c.description}", c.size,
               _("unused since {day}, and the disk is below its floor").format(day=c.used[:10])) for c in self.cache),
        ]  # fmt: skip


def waste(
    keep: int, snapshot: Snapshot, disk: Disk, lacking: int, environments: Collection[str] | None = None
) -> Waste:
    """What may go of the workspace; build cache only for the `lacking` bytes that the rest does not give.

    Releases, and images that only they use, of `environments` only, since each may keep another number (None: of all).
    Never what a container was made of, what is live or a rollback brings back, an image that waits to be deployed.
    """
    releases, built = _surplus(keep, snapshot, environments)
    staying = {r.image_id for r in snapshot.releases if r not in releases}
    staying |= {b.image_id for b in snapshot.built if b not in built}

    def run_by_hand(image_id: str) -> bool:
        return image_id not in staying and image_id in disk.images and disk.images[image_id].used

    releases = tuple(r for r in releases if not run_by_hand(r.image_id))
    built = tuple(b for b in built if not run_by_hand(b.image_id))
    images = _nameless(snapshot, disk)
    going = {r.image_id for r in releases} | {b.image_id for b in built} | {i.id for i in images}
    sizes = {id_: disk.images[id_].own for id_ in going - staying if id_ in disk.images}
    cache = _oldest(_only_ours(snapshot, disk.cache), disk.cache, lacking - sum(sizes.values()))
    return Waste(releases, built, images, cache, sizes)


def _surplus(
    keep: int, snapshot: Snapshot, environments: Collection[str] | None
) -> tuple[tuple[Release, ...], tuple[Built, ...]]:
    """Of every service that is live somewhere: what `keep` does not cover."""
    releases: list[Release] = []
    built: dict[Built, None] = {}
    for environment in dict.fromkeys(name for name, _service in snapshot.live):
        if environments is not None and environment not in environments:
            continue
        live = [r for r in snapshot.releases if r.environment == environment
                and snapshot.live_release(environment, r.service) == r]  # fmt: skip
        going, unused = retire.surplus(environment, keep, snapshot, live)
        releases += going
        built |= dict.fromkeys(unused)
    used = {r.image_id for r in snapshot.releases if r not in releases}
    return tuple(releases), tuple(b for b in built if b.image_id not in used)


def _nameless(snapshot: Snapshot, disk: Disk) -> tuple[Image, ...]:
    """Images that builds of this workspace made, and that no tag, no container and no record names any more.

    By id: the label alone is inherited by what somebody builds on top of ours.
    """
    named = {r.image_id for r in snapshot.releases} | {b.image_id for b in snapshot.built}
    return tuple(
        i for i in disk.images.values() if i.id in snapshot.made and not i.tags and not i.used and i.id not in named
    )


def _only_ours(snapshot: Snapshot, cache: Iterable[Cached]) -> frozenset[str]:
    """The ids of records that this workspace's builds made, and that nobody else's used since: those were last used
    while none of its deployments ran."""

    def used_by_us(record: Cached) -> bool:
        used = datetime.fromisoformat(record.used)
        return any(begin <= used and used - SECOND <= end for begin, end in snapshot.at_work)

    return frozenset(record.id for record in cache if record.id in snapshot.made and used_by_us(record))


def _oldest(ours: Collection[str], cache: Sequence[Cached], lacking: int) -> tuple[Cached, ...]:
    """Our own records, the longest unused first, until they give what is lacking.

    A record on which another one stands can only go after it; what anybody else's stands on stays.
    """
    left = {record.id: record for record in cache}
    found: list[Cached] = []
    while lacking > 0:
        standing = {parent for record in left.values() for parent in record.parents}
        free = [r for r in left.values() if r.id in ours and not r.busy and r.id not in standing]
        if not free:
            break
        for record in sorted(free, key=lambda r: r.used):
            if lacking <= 0:
                break
            found.append(left.pop(record.id))
            lacking -= record.size
    return tuple(found)


def below(space: Space, floor: int) -> str:
    """What to say where cleaning up was not enough."""
    return _("the disk stays below its floor of {floor}: {free} are free in {folder}; the rest is not Celadon's to "
             "remove (celadon diagnose shows whose it is)").format(
        floor=numbers.size(floor), free=numbers.size(space.free), folder=space.folder)  # fmt: skip


def made_by(ran: Sequence[BuildStep], cache: Iterable[Cached], arguments: Mapping[str, str]) -> frozenset[str]:
    """The ids of those records, made since the first of a build's steps began, that came of the steps that `ran`.

    The steps bear the names of the build's `arguments`, the records their values. The engine does not say who made a
    record, only what for: whoever asks knows that nobody else built meanwhile. A cache mount is never claimed, nor what
    was sent to be built or pulled for it: they are there to be used again.
    """
    own, begun = {_kind(step.name) for step in ran}, min(step.at for step in ran)
    return frozenset(
        record.id
        for record in cache
        if record.created >= begun  # both times are the engine's own
        and _kind(without_values(record.description, arguments)) in own
    )


def _kind(text: str) -> str:
    """What a step ("[web 2/4] RUN npm ci") and its record ("mount / from exec /bin/sh -c npm ci") have in common.

    All steps but RUN bear the same words as their records.
    """
    return "run" if _RUN.match(text) else text
