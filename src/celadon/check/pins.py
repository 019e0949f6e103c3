"""Base images that are named by a tag only: whoever can move the tag decides what the next build is made of.

A remark; an error where `policy.pinned` is `required` for an environment, or for one that takes its releases from it. A
comment in the Dockerfile allows the remark, never the error: the policy is the operator's, the Dockerfile is not.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from celadon.check.dockerfile import Dockerfile, Instruction, parse
from celadon.check.facts import ERROR, INFO, Build, Facts, Finding, Rule
from celadon.check.sources import expanded, settings
from celadon.config.positions import Place
from celadon.locale import _
from celadon.plan import frontend
from celadon.plan.build_isolation import must_be_pinned

NOT_PINNED = Rule(
    "dockerfile/not-pinned",
    INFO,
    _("a tag can be moved, so the next build may use an image nobody reviewed"),
    _("Pin the digest: {image}@sha256:…"),
)

# A digest in `# syntax` is refused, as it may be that of any release: check.image_names.FRONTEND.
_IN_COMPOSE = _('Name it in the compose file instead: build.args: {{BUILDKIT_SYNTAX: "{image}@sha256:…"}}')

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_FROM = re.compile(r"--from=(.+)|.*\bfrom=([^,]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """An image that a Dockerfile names: as it is written, with its variables put in, and in which lines."""

    written: str
    image: str
    place: Place
    last: int


def findings(seen: Facts) -> Iterator[Finding]:
    """Images without a digest, in all Dockerfiles."""
    for build in seen.builds:
        severity = ERROR if _is_required(seen, build) else INFO
        if severity == ERROR and (wanted := _frontend(build)):
            what = _("the image {image} is not pinned by its digest").format(image=wanted)
            found = NOT_PINNED.at(build.file, build.inside(Place(1, 1)), what, severity=severity, image=wanted)
            yield replace(found, mend=_IN_COMPOSE.format(image=wanted)).about(build.services)
        for one in unpinned(seen, build):
            if severity == INFO and one.image.rpartition("/")[2].partition(":")[2] in ("", "latest"):
                continue  # another rule says so already
            what = _what(seen, one)
            place = build.inside(one.place)
            yield NOT_PINNED.at(build.file, place, what, severity=severity, image=one.image).about(build.services)


def enforced(seen: Facts) -> list[Finding]:
    """Those that no comment allows."""
    return [one for one in findings(seen) if one.severity == ERROR]


def _what(seen: Facts, one: Named) -> str:
    if "$" in one.image:
        return _("the image {image} depends on a build variable, so its digest cannot be checked").format(
            image=one.image
        )
    if seen.digests.get(one.image) == "":
        words = _("the image {image} has no digest: it was built on this server and never pushed or pulled")
        return words.format(image=one.image)
    return _("the image {image} is not pinned by digest").format(image=one.image)


def unpinned(seen: Facts, build: Build) -> list[Named]:
    """The images of a Dockerfile that have no digest: of FROM, COPY --from and RUN --mount."""
    if build.text is None:
        return []
    named = _images(build, parse(build.text), _arguments(seen, build))
    return [one for one in named if not _DIGEST.search(one.image)]


def _frontend(build: Build) -> str:
    """The image of `# syntax`, which runs as a part of the build, if it has no digest; "" where the compose file names
    the frontend instead.
    """
    wanted = "" if frontend.ARGUMENT in build.args else frontend.asked_for(build.text or "")
    return "" if _DIGEST.search(wanted) else wanted


def _images(build: Build, dockerfile: Dockerfile, values: Mapping[str, str]) -> Iterator[Named]:
    known = {"scratch", *build.contexts}
    for number, stage in enumerate(dockerfile.stages):
        taken = [(stage.base, stage.opening)]
        taken += [
            (match[1] or match[2], one) for one in stage.body for flag in one.flags if (match := _FROM.match(flag))
        ]
        for written, one in taken:
            image = expanded(written, values)
            if image and image.lower() not in known:
                yield Named(written, image, one.place, _last_line(one))
        known |= {str(number), stage.name} - {""}


def _last_line(one: Instruction) -> int:
    return max((piece.line for piece in one.pieces), default=one.place.line)


def _arguments(seen: Facts, build: Build) -> dict[str, str]:
    """The values of ARGs before the first FROM: their defaults, or what the compose file gives."""
    before = parse(build.text or "").before
    values = {name: value for one in before if one.name == "ARG" for name, value in settings(one)}
    for config in seen.environments:
        for name in build.services:
            given = (config.services[name].definition.get("build") or {}) if name in config.services else {}
            values |= {k: str(v) for k, v in (given.get("args") or {}).items() if k in values and v is not None}
    return {name: value for name, value in values.items() if value is not None}


def _is_required(seen: Facts, build: Build) -> bool:
    return any(must_be_pinned(config) for config in seen.environments if {*build.services} & {*config.services})


def written(seen: Facts, build: Build, wanted: Collection[Place]) -> tuple[str, frozenset[Place]]:
    """The Dockerfile with the digests that the engine has for the tags at `wanted`, and the places that are done.

    An image whose name holds a variable stays: its digest would hold whatever the variable says.
    """
    lines = (build.text or "").splitlines(keepends=True)
    done: set[Place] = set()
    for one in unpinned(seen, build):
        digest = seen.digests.get(one.image)
        if not digest or "$" in one.written or build.inside(one.place) not in wanted:
            continue
        whole = re.compile(rf"(?<![\w./:@-]){re.escape(one.written)}(?![\w./:@-])")
        for number in range(one.place.line - 1, min(one.last, len(lines))):
            lines[number], count = whole.subn(f"{one.written}@{digest}", lines[number], count=1)
            if count:
                done.add(build.inside(one.place))
                break
    return "".join(lines), frozenset(done)
