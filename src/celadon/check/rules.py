"""All rules: each area's functions, and the list of what they may say."""

from collections.abc import Callable, Iterator

from celadon.check import (
    buildkit,
    envfiles,
    exposure,
    foreign,
    image_names,
    images,
    installs,
    pins,
    ports,
    privacy,
    privileges,
    routes,
    server,
    services,
    warned,
)
from celadon.check.facts import Facts, Finding, Rule

AREAS = (
    images,
    image_names,
    buildkit,
    installs,
    pins,
    services,
    privileges,
    exposure,
    ports,
    routes,
    envfiles,
    privacy,
    foreign,
    warned,
    server,
)
RULES: tuple[Rule, ...] = tuple(
    sorted({one for area in AREAS for one in vars(area).values() if isinstance(one, Rule)}, key=lambda rule: rule.name)
)


def _builds(seen: Facts) -> Iterator[Finding]:
    for build in seen.builds:
        of_images = (*images.findings(build), *image_names.findings(seen, build))
        for found in (*of_images, *installs.findings(build), *buildkit.findings(build)):
            yield found.about(build.services)
    for service in seen.unseen:
        what = images.not_here(service)
        yield images.UNSEEN.at(seen.file, seen.raw.at(("services", service, "build")), what)


def _env_files(seen: Facts) -> Iterator[Finding]:
    for file in seen.env_files:
        for found in envfiles.writing(file):
            yield found.about(file.services)


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _builds,
    _env_files,
    services.limits,
    services.memory,
    services.logs,
    services.mounts,
    services.loopback,
    services.build_args,
    privileges.rights,
    privileges.setuid,
    exposure.mounts,
    exposure.shared,
    ports.findings,
    routes.hidden,
    routes.health,
    routes.public_url,
    envfiles.missing,
    envfiles.stopped,
    privacy.env_files,
    privacy.keys,
    privacy.strays,
    foreign.findings,
    warned.findings,
    server.findings,
    pins.findings,
)


def findings(seen: Facts) -> list[Finding]:
    """Everything that the rules found, by file and line; what two environments share is said once."""
    return sorted({finding for check in CHECKS for finding in check(seen)})
