"""Rules of this server, as far as its engine answers."""

from collections.abc import Iterator

from celadon.check.facts import HERE, INFO, WARNING, Facts, Finding, Rule
from celadon.config.positions import Place
from celadon.locale import _
from celadon.locale.words import LIVE_RESTORE_OFF

LIVE_RESTORE = Rule("host/live-restore", WARNING, *LIVE_RESTORE_OFF[1:])
NO_ENGINE = Rule(
    "host/engine", INFO, _("the server's own settings were not checked; everything else was"),
    _("On the server: celadon check"),
)  # fmt: skip
NOWHERE = Place(0, 0)


def findings(seen: Facts) -> Iterator[Finding]:
    """The engine's settings."""
    if seen.engine.problem:
        what = _("the Docker engine did not answer: {problem}").format(problem=seen.engine.problem)
        yield NO_ENGINE.at(HERE, NOWHERE, what)
    elif not seen.engine.live_restore:
        yield LIVE_RESTORE.at(HERE, NOWHERE, LIVE_RESTORE_OFF[0])
