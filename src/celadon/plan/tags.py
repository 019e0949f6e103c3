"""The moving image tags, as the record has them: `:staging`, `:production`, `:rollback`."""

from collections.abc import Mapping, Sequence

from celadon.config.model import WorkspaceOptions
from celadon.plan.retire import way_back
from celadon.state.snapshot import Live, Release

ROLLBACK = "rollback"


def last_environment(settings: WorkspaceOptions) -> str:
    """The environment at the end of the road (production): nobody promotes from it; `:rollback` speaks of it."""
    sources = {options.from_ for options in settings.environments.values()}
    ends = [name for name in settings.environments if name not in sources]
    promoted = [name for name in ends if settings.environments[name].from_]
    return (promoted or ends)[-1]


def wanted(
    settings: WorkspaceOptions,
    live: Mapping[tuple[str, str], Live],
    releases: Sequence[Release],
    services: Sequence[str],
) -> dict[str, str | None]:
    """The image id that each moving tag of `services` should name; None where there should be no such tag."""
    by_key = {(r.environment, r.service, r.id): r for r in releases}
    last = last_environment(settings)
    tags: dict[str, str | None] = {}
    for service in services:
        for environment in settings.environments:
            now = live.get((environment, service))
            release = by_key.get((environment, service, now.release)) if now else None
            tags[f"{service}:{environment}"] = release.image_id if release else None
            if environment == last:
                way = way_back(releases, release) if release else []
                tags[f"{service}:{ROLLBACK}"] = way[0].image_id if way else None
    return tags
