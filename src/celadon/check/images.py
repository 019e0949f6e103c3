"""Rules of what a Dockerfile makes: whose user runs, what secrets stay in it, what it is made of, how it ends."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from celadon.check.dockerfile import Dockerfile, Instruction, Stage, parse
from celadon.check.facts import ERROR, INFO, WARNING, Build, Finding, Rule
from celadon.check.image_names import named
from celadon.check.sources import copied, settings, whole
from celadon.config.positions import Place
from celadon.config.secret_names import names_a_secret
from celadon.locale import _

MISSING = Rule(
    "dockerfile/missing", ERROR, _("nothing can be built"),
    _("Write one, or name it: `build: {context: …, dockerfile: …}`."),
)  # fmt: skip
SYNTAX = Rule("dockerfile/syntax", ERROR, _("the build fails at its first line"), _("Mend the line."))
UNSEEN = Rule(
    "dockerfile/not-here", INFO, _("its source is in git only, so its Dockerfile was not checked"),
    _("Clone the repository there, or run `celadon check` where it is."),
)  # fmt: skip
ROOT = Rule(
    "dockerfile/root", WARNING,
    _("who breaks into the service is root in its container, and owns what is mounted there"),
    _("USER 1000 (or the image's own, such as `node`) before CMD"),
)  # fmt: skip
SECRET = Rule(
    "dockerfile/secret", ERROR, _("it stays in the image and its history, for everybody who gets the image"),
    _("Give it at run time by `env_file`, or while building by RUN --mount=type=secret."),
)  # fmt: skip
UNPINNED = Rule(
    "dockerfile/unpinned-base", WARNING,
    _("the next build may be made of something else, and fail or behave otherwise"),
    _("Name a version, such as `{image}:1.2`."),
)  # fmt: skip
SHELL_FORM = Rule(
    "dockerfile/shell-form", WARNING,
    _("a shell gets the SIGTERM and does not pass it on: the service is killed in the middle of its requests"),
    _('{name} ["program", "argument"], or: {name} exec program argument'),
)  # fmt: skip
NO_HEALTH = Rule(
    "dockerfile/no-health", INFO,
    _("nothing tells whether it is ready: what hangs from its start on is taken for well"),
    _("HEALTHCHECK in the Dockerfile, or x-celadon.health with a port"),
)  # fmt: skip
NO_IGNORE = Rule(
    "dockerfile/no-dockerignore", WARNING,
    _("node_modules, .git and .env files go to the builder, and into the image with COPY ."),
    _(".dockerignore beside the Dockerfile with: .git .env* node_modules"),
)  # fmt: skip
IGNORE_LACKS = Rule(
    "dockerfile/dockerignore-lacks", WARNING, _("COPY . brings it into the image, with every secret in it"),
    _("Add to it: {names}"),
)  # fmt: skip

LONGEST = 16  # letters of a word that is meant as an instruction
_KEY_FILES = (
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    ".env",
    ".env.*",
    "*.env",
)
HARMLESS_FILES = re.compile(r"example|sample|template|dist$|public|pub|cert|chain|bundle|^ca\b|ca\.pem$", re.IGNORECASE)
ROOTLESS = re.compile(r"nonroot|rootless|unprivileged")


def not_here(service: str) -> str:
    """What is said of a service whose build folder is not there."""
    return _("{service}: its build folder is not here").format(service=service)


def findings(build: Build) -> Iterator[Finding]:
    """What is wrong with the image that a Dockerfile makes."""
    if build.text is None:
        what = _("{service}: there is no {file}").format(service=build.services[0], file=build.file)
        yield MISSING.at(build.source, build.place, what)
        return
    dockerfile = parse(build.text)
    yield from _syntax(build, dockerfile)
    for one in (*dockerfile.before, *(i for stage in dockerfile.stages for i in stage.body)):
        yield from _secrets(build, one)
    yield from _bases(build, dockerfile)
    if stage := dockerfile.last(build.target):
        yield from _user(build, dockerfile, stage)
        yield from _ending(build, stage)
        yield from _health(build, dockerfile, stage)
    yield from _ignored(build, dockerfile)


def _syntax(build: Build, dockerfile: Dockerfile) -> Iterator[Finding]:
    for one in dockerfile.unknown:
        name = one.name if one.name.isalpha() and len(one.name) < LONGEST else "…"  # it may be the rest of anything
        yield SYNTAX.at(build.file, build.inside(one.place), _("`{name}` is no instruction").format(name=name))
    if not dockerfile.stages:
        yield SYNTAX.at(build.file, build.inside(Place(1, 1)), _("no FROM: the image is made of nothing"))


def _secrets(build: Build, one: Instruction) -> Iterator[Finding]:
    """Secrets that stay in the image. Names are told, values never."""
    if one.name in ("ARG", "ENV"):
        for name, value in settings(one):
            if value and names_a_secret(name) and value.lower() not in ("yes", "no", "true", "false", "0", "1"):
                what = _("{instruction} gives {name} a value").format(instruction=one.name, name=name)
                yield SECRET.at(build.file, build.inside(one.place), what)
    for source in copied(one):
        name = PurePosixPath(source).name
        if any(fnmatchcase(name, pattern) for pattern in _KEY_FILES) and not HARMLESS_FILES.search(name):
            what = _("{instruction} brings {file} into the image").format(instruction=one.name, file=source)
            yield SECRET.at(build.file, build.inside(one.place), what)


def _bases(build: Build, dockerfile: Dockerfile) -> Iterator[Finding]:
    for image, place in named(build, dockerfile):
        tag = image.rpartition("/")[2].partition(":")[2]
        if "@" not in image and "$" not in image and tag in ("", "latest"):
            what = _("the image {image} has no version").format(image=image)
            yield UNPINNED.at(build.file, build.inside(place), what, image=image.removesuffix(":latest"))


def _user(build: Build, dockerfile: Dockerfile, stage: Stage) -> Iterator[Finding]:
    lineage = dockerfile.lineage(stage)
    users = [one for s in lineage for one in s.body if one.name == "USER"]
    if "USER" in build.overridden:
        return
    if not users and not ROOTLESS.search(lineage[0].base):
        yield ROOT.at(build.file, build.inside(stage.opening.place), _("the image runs as root: it has no USER"))
    elif users and users[-1].text.partition(":")[0] in ("root", "0"):
        what = _("the image runs as root: its last USER says so")
        yield ROOT.at(build.file, build.inside(users[-1].place), what)


def _ending(build: Build, stage: Stage) -> Iterator[Finding]:
    """CMD and ENTRYPOINT through a shell that stays between the engine and the service."""
    last = {one.name: one for one in stage.body if one.name in {"CMD", "ENTRYPOINT"} - build.overridden}
    for name, one in last.items():
        words = one.listed
        script = one.text if words is None else ""
        if words is not None and len(words) > 2 and PurePosixPath(words[0]).name in ("sh", "bash", "ash", "dash"):
            script = words[2] if words[1].startswith("-") and words[1].endswith("c") else ""
        if script and not re.search(r"(^|&&|;)\s*exec\s", script):
            what = _("{name} runs through a shell").format(name=name)
            yield SHELL_FORM.at(build.file, build.inside(one.place), what, name=name)


def _health(build: Build, dockerfile: Dockerfile, stage: Stage) -> Iterator[Finding]:
    told = [one for s in dockerfile.lineage(stage) for one in s.body if one.name == "HEALTHCHECK"]
    if "HEALTHCHECK" not in build.overridden and not any(one.text.upper() != "NONE" for one in told[-1:]):
        what = _("no HEALTHCHECK, and no x-celadon.health for {services}").format(services=", ".join(build.services))
        yield NO_HEALTH.at(build.file, build.inside(stage.opening.place), what)


def _ignored(build: Build, dockerfile: Dockerfile) -> Iterator[Finding]:
    """Without COPY of the whole folder, BuildKit fetches only what is named: then it is only a remark."""
    taken = any(whole(source) for stage in dockerfile.stages for one in stage.body for source in copied(one))
    place, severity = build.inside(Place(1, 1)), "" if taken else INFO
    if build.ignore is None:
        yield NO_IGNORE.at(build.file, place, _("there is no .dockerignore in its build folder"), severity=severity)
        return
    if names := lacking(build.ignore):
        what = _("its .dockerignore lets {names} through").format(names=", ".join(names))
        yield IGNORE_LACKS.at(build.file, place, what, severity=severity, names=" ".join(names))


def lacking(ignore: str | None) -> list[str]:
    """What a .dockerignore should keep out and does not; all of it where there is none."""
    return [name for name in (".git", ".env") if ignore is None or not ignores(ignore, name)]


def ignores(text: str, name: str) -> bool:
    """Whether a .dockerignore keeps a file at the top of the build folder out; the last pattern that fits decides."""
    out = False
    for line in text.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        bare = pattern.removeprefix("!").strip().removeprefix("./").lstrip("/").removeprefix("**/").rstrip("/")
        bare = bare.removesuffix("/**") or "*"
        if fnmatchcase(name, bare):
            out = not pattern.startswith("!")
    return out
