"""Adding cache mounts to the RUN lines of a Dockerfile, where it is certain that the build makes the same of it.

It is not where a package manager was told of another place for its packages, where somebody else than root runs it, or
where the place itself is named: copied from, emptied, removed. A mount would be of no use there, or break the build.
"""

import re
from collections.abc import Collection

from celadon.check.dockerfile import Dockerfile, Instruction, Stage, parse
from celadon.check.facts import Build
from celadon.check.images import ROOTLESS
from celadon.check.installs import APT, Manager, uncached
from celadon.check.shell import Command, commands
from celadon.check.sources import variables
from celadon.config.positions import Place

# Debian's images empty the cache after each install, unless this file is gone.
KEEPS_APT = "rm -f /etc/apt/apt.conf.d/docker-clean && "
_OFF = "--no-cache-dir"  # of pip and uv: nothing is kept, wherever
_SYNTAX = re.compile(r"#\s*syntax\s*=\s*(docker\.io/)?docker/dockerfile:(1|1\.([2-9]|\d\d)(\.\d+)?|latest)(-labs)?\s*$")
_MOVED = re.compile(
    r"HOME|XDG_(CACHE|DATA)_HOME|npm_config_(cache|prefix)|YARN_CACHE_FOLDER|PNPM_HOME|PIP_(CACHE_DIR|NO_CACHE_DIR)"
    r"|UV_(CACHE_DIR|NO_CACHE)|MAVEN_(OPTS|ARGS|CONFIG)|GRADLE_USER_HOME",
    re.IGNORECASE,
)
_NAMED = {  # words by which an instruction, or a flag, touches the place of a manager
    "npm": r"\.npm\b|--cache\b|npm cache|config set cache",
    "yarn": r"\.cache\b|--cache-folder|yarn cache|--immutable|yarn set|corepack",
    "pnpm": r"\.local\b|store-dir|pnpm store|pnpm/store",
    "pip": r"\.cache\b|--cache-dir|pip3? cache|pip3? config",
    "uv": r"\.cache\b|--cache-dir|uv cache|--no-cache(?!-dir)",
    "maven": r"\.m2\b|repo\.local",
    "gradle": r"(?<!\w)\.gradle\b|gradle-user-home",
    "apt": r"/var/cache|docker-clean|apt(-get)? (auto)?clean",
}
_WHOLE_HOME = r"(^|[\s=,])(/root|~)(/\.?)?([\s,]|$)"


def added(build: Build, wanted: Collection[Place]) -> tuple[str, frozenset[Place]]:
    """The Dockerfile with cache mounts for those commands at `wanted` where it is certain, and which those are."""
    text = build.text or ""
    dockerfile = parse(text)
    lines = text.splitlines(keepends=True)
    mended: set[Place] = set()
    for stage in dockerfile.stages if _mounts_known(lines) else ():
        for run in (one for one in stage.body if one.name == "RUN"):
            sure = [(m, c) for m, c in uncached(run)
                    if build.inside(c.place) in wanted and _certain(build, dockerfile, stage, run, m, c)]  # fmt: skip
            if sure and _is_plain(lines, run):
                _mount(lines, run, [manager for manager, _command in sure])
                mended |= {build.inside(command.place) for _manager, command in sure}
    return "".join(lines), frozenset(mended)


def _mounts_known(lines: list[str]) -> bool:
    """Whether the frontend that the file names, if it names one, knows RUN --mount."""
    named = [line for line in lines[:3] if re.match(r"#\s*syntax\s*=", line.lstrip("\ufeff"), re.IGNORECASE)]
    return all(_SYNTAX.match(line.lstrip("\ufeff").rstrip()) for line in named)


def _is_plain(lines: list[str], run: Instruction) -> bool:
    """Whether RUN and a space stand where the instruction begins."""
    return bool(re.match(r"RUN[ \t]", lines[run.place.line - 1][run.place.column - 1 :], re.IGNORECASE))


def _certain(build: Build, dockerfile: Dockerfile, stage: Stage, run: Instruction, manager: Manager,
             command: Command) -> bool:  # fmt: skip
    lineage = dockerfile.lineage(stage)
    before = [one for s in lineage for one in s.body if one.place.line < run.place.line]
    users = [one.text.partition(":")[0] for one in before if one.name == "USER"]
    if users[-1:] not in ([], ["root"], ["0"]) or ROOTLESS.search(lineage[0].base):
        return False
    if any(one.name == "SHELL" for one in before):
        return False
    told = {**variables(dockerfile, stage, run), **dict(command.settings)}
    if any(_MOVED.fullmatch(name) for name in told):
        return False
    named = re.compile(f"{_NAMED[manager.name]}|{_WHOLE_HOME}")
    every = (*dockerfile.before, *(one for s in dockerfile.stages for one in s.body))
    if any(named.search(text) for one in every for text in _texts(one)) or any(named.search(f) for f in run.flags):
        return False
    if manager.name == "yarn" and ".yarnrc.yml" in build.files:
        return False
    if manager.name == "gradle" and "-g" in command.words:
        return False
    if manager is APT or _OFF in command.words:  # the command itself has to change
        return run.listed is None and not run.heredocs and all(
            one.program in ("pip", "pip3", "uv") for one in commands(run) if _OFF in one.words)  # fmt: skip
    return True


def _texts(one: Instruction) -> list[str]:
    return [one.text, *(piece.text for heredoc in one.heredocs for piece in heredoc.pieces)]


def _mount(lines: list[str], run: Instruction, managers: list[Manager]) -> None:
    """Change the lines of one RUN; what stands further behind first, so that columns stay true."""
    if any(manager.name in ("pip", "uv") for manager in managers):
        for number in {piece.line - 1 for piece in run.pieces if not run.heredocs}:
            lines[number] = re.sub(rf"(?<=\S)[ \t]+{_OFF}(?=\s|$)|{_OFF}[ \t]+", "", lines[number])
    first = run.pieces[0]
    if APT in managers:
        lines[first.line - 1] = _inserted(lines[first.line - 1], first.column - 1, KEEPS_APT)
    flags = " ".join(manager.flags for manager in managers)
    behind = run.place.column - 1 + len("RUN")
    lines[run.place.line - 1] = _inserted(lines[run.place.line - 1], behind, f" {flags}")


def _inserted(line: str, at: int, text: str) -> str:
    return line[:at] + text + line[at:]
