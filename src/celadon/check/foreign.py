"""The rule of files that are not read: who pushes to a checkout must not choose which file of the host is used."""

from collections.abc import Iterator
from pathlib import Path

from celadon.adapters.foreign_files import UnreadableFile, UnsafeFile, checkout_of, text_inside
from celadon.check.facts import ERROR, Facts, Finding, Rule, Unsafe
from celadon.config.positions import Place, Positions, shown
from celadon.errors import ConfigError, Problem
from celadon.locale import _

UNSAFE = Rule(
    "files/unsafe",
    ERROR,
    _("anyone who can push it could choose which file on this host is read or changed, or make a build read forever"),
    _("Replace it with a regular file of at most 1 MB inside its checkout."),
)


def findings(seen: Facts) -> Iterator[Finding]:
    """Each file that was not read."""
    for one in seen.unsafe:
        what = _("{file} {reason}").format(file=one.file, reason=one.reason)
        yield UNSAFE.at(one.file, Place(1, 1), what).about(one.services)


def unsafe(problem: UnsafeFile, services: tuple[str, ...] | None = None) -> Unsafe:
    """What is told of a file that was not read."""
    return Unsafe(shown(Path(problem.filename)), str(problem.strerror), services)


def text(raw: Positions, path: Path) -> str | None:
    """The text of a file that the compose file names; None where there is none.

    Raises ConfigError where it cannot be read, UnsafeFile where it must not be.
    """
    try:
        return text_inside(checkout_of(raw.file.parent, path), path)
    except UnreadableFile as problem:
        raise ConfigError([Problem(shown(path), 0, 0, "", str(problem.strerror))]) from None
