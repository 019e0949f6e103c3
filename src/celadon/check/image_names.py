"""The images, the frontend and the addresses that a Dockerfile names, and the rules of those that it may not have.

The compose file decides, so no comment in the Dockerfile allows them. A build itself is held by `plan.build_isolation`.
"""

import re
from collections.abc import Iterator

from celadon.check.dockerfile import Dockerfile, Instruction, Stage, parse
from celadon.check.facts import ERROR, Build, Facts, Finding, Rule
from celadon.check.sources import expanded, settings
from celadon.config.positions import Place
from celadon.locale import _
from celadon.plan import frontend
from celadon.plan.build_isolation import HUB, RELEASE_TAG

OTHER_SERVICE = Rule(
    "dockerfile/other-service",
    ERROR,
    _("anyone who can push to this service could read another service's source; the build rejects this image"),
    _('If this is intended, declare it in compose.yaml: build.additional_contexts: {{NAME: "docker-image://{image}"}}'),
)
FRONTEND = Rule(
    "dockerfile/frontend",
    ERROR,
    _(
        "BuildKit would run this frontend image with its own privileges, including access to every service's build "
        "cache"
    ),
    _(
        "Use docker/dockerfile:1. If this is intended, declare it in compose.yaml: build.args: {{BUILDKIT_SYNTAX: "
        '"{image}"}}'
    ),
)
ADDED = Rule(
    "dockerfile/add-address",
    ERROR,
    _("BuildKit would fetch it from this server's own network, where internal services and cloud metadata respond"),
    _("Use ADD --checksum=sha256:…, or RUN with curl or git clone."),
)
FIRM = (OTHER_SERVICE.name, FRONTEND.name, ADDED.name)  # what only the compose file itself allows
_ADDRESS = re.compile(r"(?:^|\s)[\"']?((?:https?|git|ssh)://|git@)", re.IGNORECASE)
_FROM = re.compile(r"--from=(\S+)|--mount=\S*?\bfrom=([^,\s]+)", re.IGNORECASE)


def findings(seen: Facts, build: Build) -> Iterator[Finding]:
    """The images of other services, and a frontend that is not Docker's."""
    if build.text is None:
        return
    if wanted := "" if not build.path else frontend.refused(build.text, {"args": build.args}):
        what = _("the Dockerfile uses the frontend image {image}").format(image=wanted)
        yield FRONTEND.at(build.file, build.inside(Place(1, 1)), what, image=wanted)
    yield from _added(build, parse(build.text))
    environments = {name for config in seen.environments for name in config.settings.environments}
    others = {name for config in seen.environments for name in config.services} - {*build.services}
    for image, place in named(build, parse(build.text)):
        service, _colon, tag = re.sub(f"^{HUB}", "", image.partition("@")[0]).partition(":")
        if service in others and (tag in environments or re.fullmatch(RELEASE_TAG, tag)):
            what = _("{image} is the image of the service {service}").format(image=image, service=service)
            yield OTHER_SERVICE.at(build.file, build.inside(place), what, image=image)


def _added(build: Build, dockerfile: Dockerfile) -> Iterator[Finding]:
    """What ADD fetches from an address, without a checksum."""
    for one in (one for stage in dockerfile.stages for one in stage.body if one.name == "ADD"):
        if _ADDRESS.search(one.text) and not any(flag.startswith("--checksum=") for flag in one.flags):
            yield ADDED.at(build.file, build.inside(one.place), _("ADD fetches an address without a checksum"))


def named(build: Build, dockerfile: Dockerfile) -> Iterator[tuple[str, Place]]:
    """Each image that a Dockerfile names, variables put in, and where; not its own stages and named contexts."""
    given = {name: str(value) for name, value in build.args.items() if value is not None}
    before = {n: v for one in dockerfile.before if one.name == "ARG" for n, v in settings(one) if v is not None}
    known = {"scratch", *(name.lower() for name in build.contexts)}
    for number, stage in enumerate(dockerfile.stages):
        asked = [(expanded(stage.base, {**before, **given}), stage.opening.place)]
        for one in stage.body:
            asked += [(image, one.place) for image in _taken_from(stage, one, {**before, **given})]
        yield from ((image, place) for image, place in asked if image.lower() not in known)
        known |= {str(number), stage.name} - {""}


def _taken_from(stage: Stage, one: Instruction, values: dict[str, str]) -> Iterator[str]:
    """What COPY --from and RUN --mount=from of an instruction name, and those that it leaves to the next build."""
    words = one.text.split() if one.name == "ONBUILD" else one.flags
    found = [match[1] or match[2] for word in words if (match := _FROM.match(word))]
    own: dict[str, str] = {}
    if any("$" in image for image in found):
        above = [i for i in stage.body if i.name in ("ARG", "ENV") and i.place.line < one.place.line]
        own = {name: value for i in above for name, value in settings(i) if value is not None}
    yield from (expanded(image.strip("\"'"), {**own, **values}) for image in found)
