"""Every exception that a user may meet: what happened, where, the evidence, the next command, the exit code.

Nobody matches messages: callers catch types and read fields. The command line shows all of them in one place.
"""

import errno
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from celadon import __version__
from celadon.locale import _

LONGEST = 500  # characters of a line of evidence: minified code must not bury the reason; logs have the whole line
DONE, FAILED, USAGE, BUG, CANCELLED = 0, 1, 2, 3, 130


class CeladonError(Exception):
    """A known failure. `evidence` is the lines that prove it, `hint` what to do, usually a command to type."""

    exit_code = FAILED

    def __init__(self, message: str, *, evidence: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.evidence = tuple(evidence)
        self.hint = hint
        self.log = ""  # the file with the whole story, where a deployment wrote one

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Change everything that it says, such as to hide secrets."""
        self.message, self.hint = change(self.message), change(self.hint)
        self.evidence = tuple(map(change, self.evidence))
        self.args = (self.message,)


def cut_evidence(line: str) -> str:
    """A line of evidence as it is shown and recorded: cut between two words where it is too long, and if it has none in
    the middle. Secrets must be hidden first: a part of one is not recognized any more.
    """
    if len(line) <= LONGEST:
        return line
    room = LONGEST - 50  # for the words after it
    cut = line[: line.rfind(" ", 1, room) if " " in line[1:room] else room]
    return _("{line} … ({n} more characters)").format(line=cut, n=len(line) - len(cut))


class UsageError(CeladonError):
    """The words of the command do not fit this workspace: an unknown service, environment, release or ref."""

    exit_code = USAGE


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a configuration file. Lines and columns count from 1; 0 where the place is not known."""

    file: str
    line: int
    column: int
    path: str
    message: str = field(compare=False)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(CeladonError):
    """The configuration cannot be used. Carries every problem found, not only the first."""

    exit_code = USAGE

    def __init__(self, problems: Sequence[Problem], *, hint: str = "") -> None:
        self.problems = tuple(sorted(problems))
        super().__init__(_("The configuration has problems."), evidence=[str(p) for p in self.problems], hint=hint)


class KeyFileError(CeladonError):
    """The key that what Celadon keeps is encrypted with is missing, unsafe, or another one."""

    exit_code = USAGE


class RefusedError(CeladonError):
    """Celadon could go on, but will not: the server or production would be at risk. Nothing was changed."""


class LockTimeout(CeladonError):
    """Somebody else's deployment held the host's lock for longer than `lock_timeout`."""


class CommandError(CeladonError):
    """A process that Celadon ran ended badly. `argv` is masked; `tail` is its last lines; code < 0 is a signal."""

    def __init__(
        self, argv: Sequence[str], code: int, tail: Sequence[str], *, message: str = "", hint: str = ""
    ) -> None:
        self.argv, self.code, self.tail = tuple(argv), code, tuple(tail)
        text = message or _("`{command}` ended with code {code}.").format(command=" ".join(argv), code=code)
        super().__init__(text, evidence=tail, hint=hint)


class CommandTimeout(CommandError):
    """A process was ended because it took longer than it may."""


class Unanswered(CommandTimeout):
    """Another host was asked something small, and kept silent: trying again may help."""


class EngineError(CeladonError):
    """The Docker engine does not answer, or lacks a part (Compose v2, Buildx)."""


class BuildError(CeladonError):
    """A build failed. `step` is the Dockerfile step, as BuildKit names it; `cause` is what BuildKit said of it."""

    def __init__(
        self, message: str, *, service: str, step: str, evidence: Sequence[str], hint: str, cause: str = ""
    ) -> None:
        self.service, self.step, self.cause = service, step, cause
        super().__init__(message, evidence=evidence, hint=hint)


class UnhealthyError(CeladonError):
    """A candidate did not become healthy, or did not stay it."""

    def __init__(self, message: str, *, service: str, evidence: Sequence[str] = (), hint: str = "") -> None:
        self.service = service
        super().__init__(message, evidence=evidence, hint=hint)


class Cancelled(CeladonError):
    """The operator asked to stop (Ctrl-C, `cancel`, SIGTERM) before the commit."""

    exit_code = CANCELLED


class Followed(CeladonError):
    """A deployment failed in its runner; this is what the runner's error said. `trace` is set for a bug."""

    def __init__(self, message: str, *, evidence: Sequence[str], hint: str, code: int, trace: str = "") -> None:
        super().__init__(message, evidence=evidence, hint=hint)
        self.exit_code, self.trace = code, trace


def of_the_system(problem: Exception) -> CeladonError | None:
    """What the operating system refuses (a full disk, a missing right) in words; None for what is a bug."""
    refused = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
    hint = _("Look at the disk and at who owns the workspace: df -h . ; ls -la .celadon")
    if isinstance(problem, OSError) and problem.errno in refused:
        return CeladonError(_("The system refuses: {problem}.").format(problem=problem), hint=hint)
    if type(problem).__module__ == "sqlite3":  # named, not imported: 5 ms that most verbs that fail need not pay
        return CeladonError(_("The record cannot be written: {problem}.").format(problem=problem), hint=hint)
    return None


def bug_report(what: Sequence[str]) -> str:
    """The exception at hand, with the versions, as lines that can be pasted."""
    import traceback  # only a bug needs it

    place = f"celadon {__version__}, Python {sys.version.split()[0]}, {sys.platform}"
    return f"{place}\n{' '.join(what)}\n{traceback.format_exc()}"
