"""Rules of what a Dockerfile installs and builds: caches, locks, time-outs, memory."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from celadon.check.dockerfile import Dockerfile, Instruction, Stage, parse
from celadon.check.facts import WARNING, Build, Finding, Rule
from celadon.check.shell import Command, commands
from celadon.check.sources import copied, variables, whole
from celadon.config.positions import Place
from celadon.locale import _
from celadon.locale.numbers import size

NO_CACHE_MOUNT = Rule(
    "dockerfile/no-cache-mount", WARNING,
    _("each build fetches all packages anew: it takes minutes, and fails with the network"),
    _("RUN {mounts} {program} …"),
)  # fmt: skip
NPM_INSTALL = Rule(
    "dockerfile/npm-install", WARNING,
    _("it takes other versions than were tested, as soon as there are newer ones"), "{first}npm ci",
)  # fmt: skip
NPM_TIMEOUT = Rule(
    "dockerfile/npm-timeout", WARNING,
    _("a registry that hangs holds the build, and everybody who waits for the host's lock, for minutes"),
    _("an .npmrc with fetch-timeout=60000 and fetch-retries=3, copied before; or ENV npm_config_fetch_timeout=60000"),
)  # fmt: skip
HEAP_LIMIT = Rule(
    "dockerfile/no-heap-limit", WARNING,
    _("Node does not see the cap of the build and grows until the kernel ends it, in the middle of the build"),
    _("RUN NODE_OPTIONS=--max-old-space-size={megabytes} {program} …"),
)  # fmt: skip

VALUED = ("--prefix", "-C", "--dir", "--cwd", "--cache", "--registry", "--directory", "--project", "-o", "-t", "-c",
          "-w", "--workspace", "--filter", "-F", "-f", "--file", "-p", "-s", "--settings")  # fmt: skip
ASKING = ("-v", "-V", "--version", "-version", "--help", "-h")
MIB = 1 << 20


@dataclass(frozen=True)
class Manager:
    """A package manager: what fetches packages (() for whatever it is told), where it keeps them, and the word by which
    such a place is known; `options` of the cache mount, where it needs some."""

    name: str
    verbs: tuple[str, ...]
    place: str
    mark: str
    options: str = ""

    @property
    def flags(self) -> str:
        """The flag of RUN that keeps its packages."""
        return f"--mount=type=cache,target={self.place}{self.options}"

    def fetches(self, command: Command) -> bool:
        verb = command.verb(VALUED)
        if self.name == "yarn":
            return verb in ("", *self.verbs) and not any(word in ASKING for word in command.words)
        if not self.verbs:
            return bool(command.words) and not all(word in ASKING for word in command.words)
        return verb in self.verbs

    def has_place(self, target: str) -> bool:
        return self.mark in target


NPM = Manager("npm", ("ci", "install", "i", "add", "update", "clean-install"), "/root/.npm", ".npm")
# Not /var/lib/apt: the lists of an earlier RUN lie there, and a mount would hide them.
APT = Manager("apt", ("install", "upgrade", "dist-upgrade"), "/var/cache/apt", "apt", ",sharing=locked")
# Not /root/.m2 itself: settings.xml lies there.
MAVEN = Manager("maven", (), "/root/.m2/repository", ".m2")
GRADLE = Manager("gradle", (), "/root/.gradle", ".gradle")
PIP = Manager("pip", ("install", "download", "wheel"), "/root/.cache/pip", "pip")
MANAGERS: Mapping[str, Manager] = {
    "npm": NPM,
    "yarn": Manager("yarn", ("install", "add"), "/usr/local/share/.cache/yarn", "yarn"),
    "pnpm": Manager("pnpm", ("install", "i", "add", "fetch"), "/root/.local/share/pnpm/store", "store"),
    "pip": PIP, "pip3": PIP,
    "uv": Manager("uv", ("sync", "pip", "add", "tool"), "/root/.cache/uv", "uv"),
    "mvn": MAVEN, "mvnw": MAVEN, "gradle": GRADLE, "gradlew": GRADLE,
    "apt": APT, "apt-get": APT,
}  # fmt: skip
NODE_BUILDS = ("next", "vite", "webpack", "tsc", "ng", "nuxt", "rollup", "react-scripts", "vue-cli-service")
LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
AROUND = (".npmrc", ".yarnrc.yml", *LOCKS)  # files beside a Dockerfile that say how it installs


def findings(build: Build) -> Iterator[Finding]:
    """What is wrong in the commands of a Dockerfile."""
    if build.text is None:
        return
    dockerfile = parse(build.text)
    for stage in dockerfile.stages:
        for run in (one for one in stage.body if one.name == "RUN"):
            found = list(commands(run))
            yield from _caches(build, run)
            for command in found:
                yield from _npm(build, dockerfile, stage, run, command)
                yield from _heap(build, dockerfile, stage, run, command)


def uncached(run: Instruction) -> Iterator[tuple[Manager, Command]]:
    """Each package manager of a RUN that keeps nothing between builds, with its first command."""
    caches = [flag for flag in run.flags if "type=cache" in flag]
    targets = [match[1] for flag in caches if (match := re.search(r"\b(?:target|dst|destination)=([^,]+)", flag))]
    strange = [t for t in targets if not any(m.has_place(t) for m in MANAGERS.values())]  # a place of the team's own
    said: set[str] = set()
    for command in commands(run):
        manager = MANAGERS.get(command.program)
        if manager is None or manager.name in said or not manager.fetches(command):
            continue
        said.add(manager.name)
        if not strange and not any(manager.has_place(target) for target in targets):
            yield manager, command


def _caches(build: Build, run: Instruction) -> Iterator[Finding]:
    for manager, command in uncached(run):
        what = _("{program} has no cache mount").format(program=command.program)
        yield NO_CACHE_MOUNT.at(
            build.file, build.inside(command.place), what, mounts=manager.flags, program=command.program
        )


def _npm(build: Build, dockerfile: Dockerfile, stage: Stage, run: Instruction, command: Command) -> Iterator[Finding]:
    if command.program != "npm" or not NPM.fetches(command):
        return
    place = build.inside(command.place)
    verb = command.verb(VALUED)
    named = [word for word in command.words if not word.startswith("-") and word != verb]
    everywhere = any(word in ("-g", "--global", "--location=global") for word in command.words)
    before = [s for one in _before(dockerfile, stage, run) for s in copied(one)]
    locked = build.files & set(LOCKS) or any(re.search(r"(package-lock|package\*|npm-shrinkwrap)", s) for s in before)
    if verb in ("install", "i") and not everywhere and not named:
        words = _("`npm {verb}` instead of `npm ci`") if locked else _("`npm {verb}` without a lock file")
        mend = "" if locked else "npm install --package-lock-only; git add package-lock.json; "
        yield NPM_INSTALL.at(build.file, place, words.format(verb=verb), first=mend)
    if not _patient(build, dockerfile, stage, run, command, before):
        yield NPM_TIMEOUT.at(build.file, place, _("npm has no fetch-timeout"))


def _patient(build: Build, dockerfile: Dockerfile, stage: Stage, run: Instruction, command: Command,
             before: list[str]) -> bool:  # fmt: skip
    """Whether fetch-timeout is set for this npm: by a flag, a variable, `npm config`, or an .npmrc that it sees."""
    names = {**variables(dockerfile, stage, run), **dict(command.settings)}
    if any(name.lower().replace("-", "_") == "npm_config_fetch_timeout" for name in names):
        return True
    if any(word.split("=")[0] == "--fetch-timeout" for word in command.words):
        return True
    for one in (*_before(dockerfile, stage, run), run):
        texts = [p.text for p in one.pieces] + [p.text for h in one.heredocs for p in h.pieces]
        if one.name == "RUN" and any("fetch-timeout" in text or "fetch_timeout" in text for text in texts):
            return True
    reached = _npmrcs_reached(build, run, before)
    return any(re.search(r"^\s*fetch-timeout\s*=", build.npmrcs[path], re.MULTILINE) for path in reached)


def _npmrcs_reached(build: Build, run: Instruction, before: list[str]) -> list[str]:
    """The .npmrc files of the build folder that a RUN sees: copied before, or mounted."""
    seen = [*before, *(m[1] for flag in run.flags if (m := re.search(r"\b(?:source|src)=([^,]+)", flag)))]
    return [
        path
        for path in build.npmrcs
        if any(
            whole(s) or fnmatchcase(path, s.removeprefix("./")) or s.strip("./") == str(PurePosixPath(path).parent)
            for s in seen
        )
    ]


def npmrcs_seen(build: Build) -> Iterator[tuple[Place, list[str]]]:
    """The place of each npm that fetches, and the .npmrc files that it sees."""
    dockerfile = parse(build.text or "")
    for stage in dockerfile.stages:
        for run in (one for one in stage.body if one.name == "RUN"):
            before = [s for one in _before(dockerfile, stage, run) for s in copied(one)]
            for command in commands(run):
                if command.program == "npm" and NPM.fetches(command):
                    yield build.inside(command.place), _npmrcs_reached(build, run, before)


def _before(dockerfile: Dockerfile, stage: Stage, run: Instruction) -> list[Instruction]:
    """What a RUN finds done: the instructions of its stage above it, and those of the stages it is made of."""
    every = [one for s in dockerfile.lineage(stage) for one in s.body]
    return [one for one in every if one.place.line < run.place.line]


def _heap(build: Build, dockerfile: Dockerfile, stage: Stage, run: Instruction, command: Command) -> Iterator[Finding]:
    """Node builds under a cap that the file names in numbers."""
    if not build.memory or not _builds_with_node(command):
        return
    given = [value for one in commands(run) for name, value in one.settings if name == "NODE_OPTIONS"]
    given = given[-1:] or [variables(dockerfile, stage, run).get("NODE_OPTIONS", "")]
    if any("max-old-space-size-percentage" in word for word in (*given, *command.words)):
        return
    limit = re.search(r"--max[-_]old[-_]space[-_]size[= ](\d+)", " ".join([*given, *command.words]))
    megabytes = build.memory * 3 // 4 // MIB
    program = " ".join([command.program, *command.words[:2]])
    if limit is None and "$" not in given[0]:
        what = _("{program} has no heap limit, and builds may take {cap}").format(
            program=program, cap=size(build.memory)
        )
    elif limit and int(limit[1]) * MIB >= build.memory:
        what = _("{program} may take {heap} of heap, and builds may take {cap} in all").format(
            program=program, heap=size(int(limit[1]) * MIB), cap=size(build.memory))  # fmt: skip
    else:
        return
    yield HEAP_LIMIT.at(build.file, build.inside(command.place), what, megabytes=megabytes, program=program)


def _builds_with_node(command: Command) -> bool:
    """`npm run build`, `yarn build`, `npx next build`, `vite build`, …"""
    words = [word for word in command.words if not word.startswith("-")]
    if command.program in ("npx", "pnpx", "bunx"):
        return words[:1] != [] and words[0] in NODE_BUILDS
    if command.program in ("npm", "pnpm", "yarn"):
        runs = words[:1] in (["run"], ["run-script"], ["exec"])
        if not runs and command.program == "npm":
            return False
        script = (words[1:2] if runs else words[:1]) or [""]
        return script[0].partition(":")[0] == "build" or script[0] in NODE_BUILDS
    return command.program in NODE_BUILDS
