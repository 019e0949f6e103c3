"""Which releases may go: those beyond `keep`, never a live one, never one that a rollback would bring back."""

from collections.abc import Sequence

from celadon.state.snapshot import Built, Release, Snapshot


def surplus(
    environment: str, keep: int, snapshot: Snapshot, arriving: Sequence[Release]
) -> tuple[tuple[Release, ...], tuple[Built, ...]]:
    """Releases and images of the arriving services that nothing needs once these are live.

    Kept: the arriving release, `keep` releases on the way back from it (predecessor by predecessor, then the newest).
    An image tag goes with the last release of its name, in whatever environment.
    """
    releases: list[Release] = []
    built: list[Built] = []
    for live in arriving:
        mine = [r for r in snapshot.releases if (r.environment, r.service) == (environment, live.service)]
        mine = [r for r in mine if r.id != live.id]
        kept = [r.id for r in way_back(mine, live)[:keep]]
        for release in reversed(mine):
            if len(kept) < keep and release.id not in kept:
                kept.append(release.id)
        going = [r for r in mine if r.id not in kept]
        releases += going
        built += _unused(snapshot, live, {r.id for r in going})
    return tuple(releases), tuple(built)


def departed(environment: str, service: str, snapshot: Snapshot) -> tuple[tuple[Release, ...], tuple[Built, ...]]:
    """Releases of a service that left the environment, and images that nothing else uses then."""
    mine = [r for r in snapshot.releases if r.service == service]
    others = {r.image_id for r in mine if r.environment != environment}
    going = tuple(r for r in mine if r.environment == environment)
    return going, tuple(b for b in snapshot.built if b.service == service and b.image_id not in others)


def way_back(releases: Sequence[Release], live: Release) -> list[Release]:
    """The releases that rollbacks from `live` would bring back, nearest first."""
    by_id = {r.id: r for r in releases if (r.environment, r.service) == (live.environment, live.service)}
    way: list[Release] = []
    current = by_id.get(live.predecessor or "")
    while current is not None and current not in way and current.id != live.id:
        way.append(current)
        current = by_id.get(current.predecessor or "")
    return way


def _unused(snapshot: Snapshot, live: Release, going: set[str]) -> list[Built]:
    """Images built before the arriving one that no release is left to use."""
    used = {r.image_id for r in snapshot.releases if r.service == live.service and r.id not in going}
    used.add(live.image_id)
    mine = [b for b in snapshot.built if b.service == live.service]
    # Of the image, not of the release: the same image comes again under a later id, and what was built since waits.
    came = next((b.id for b in mine if b.image_id == live.image_id), live.id)
    return [b for b in mine if b.id < came and b.image_id not in used]
