"""The manual page: verbs, keys and exit codes, from the same words as the help and the reference."""

from collections.abc import Iterable

from celadon import __version__
from celadon.cli.verbs import VERBS
from celadon.config import reference
from celadon.locale import _


def page() -> str:
    """roff, with the macros of man(7)."""
    keys = {reference.shown(path): entry.comment for path, entry in reference.entries().items() if entry.comment}
    codes = {
        "0": _("done"),
        "1": _("a known failure"),
        "2": _("usage or configuration"),
        "3": _("a bug, with a report to paste"),
        "130": _("cancelled"),
    }
    purpose = _("Deploys many Docker services to one small server, and never hurts what runs there.")
    return "\n".join(
        [
            f'.TH CELADON 1 "" "celadon {__version__}"',
            *(".SH NAME", _escaped(f"celadon - {purpose}")),
            *(".SH SYNOPSIS", _escaped(_("celadon [-C FOLDER] VERB …"))),
            *(".SH VERBS", *_listed((name, text) for name, (_module, text) in VERBS.items())),
            *(".SH KEYS", *_listed(keys.items())),
            *(".SH EXIT STATUS", *_listed(codes.items())),
            *(".SH SEE ALSO", _escaped(_("celadon docs lists the pages of the guide."))),
            "",
        ]
    )


def _listed(pairs: Iterable[tuple[str, str]]) -> Iterable[str]:
    for name, text in pairs:
        yield ".TP"
        yield f"\\fB{_escaped(name)}\\fR"
        yield _escaped(text.replace("\n", " ")) or "\\&"


def _escaped(text: str) -> str:
    """Text that roff takes for text: no escapes, no hyphens that turn into dashes, no line that is a request."""
    safe = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
