"""Why a file is no YAML, in words that say what to do, and where."""

import yaml
from yaml.reader import Reader

from celadon.locale import _

MISFITS = (ValueError, LookupError, AttributeError)  # what PyYAML raises for `!!int x`, `!!bool x`, `!!timestamp x`

# What the parser says → what to do about it; the rest is said as the parser says it.
_WORDS = {
    "found character that cannot start any token": _("a tab or another character that cannot stand here"),
    "second occurrence": _("two anchors of one name; rename this one"),
    "found undefined alias": _("an alias without an anchor of that name above it"),
    "found unhashable key": _("a key that is a list or a mapping"),
    "but found another document": _("a second document; Compose reads one"),
    "found unexpected end of stream": _("a quotation that is not closed"),
    "did not find expected node content": _("a value is missing, or a bracket is not closed"),
    "mapping values are not allowed in this context": _("a `:` that cannot stand here: look at the indentation, "
                                                        "and quote text that holds one"),
}  # fmt: skip


def explained(problem: Exception, raw: bytes) -> tuple[int, int, str]:
    """Line and column, from 1, and the words; 0 where the place is not known. `raw` is the file."""
    if isinstance(problem, UnicodeDecodeError):
        return *_behind(raw[: problem.start].decode("utf-8")), _("it is not in UTF-8; save it as UTF-8")
    if isinstance(problem, yaml.reader.ReaderError):
        text = raw.decode("utf-8")
        found = Reader.NON_PRINTABLE.search(text)
        return *(_behind(text[: found.start()]) if found else (0, 0)), _("a character that cannot be shown")
    if isinstance(problem, yaml.MarkedYAMLError):
        mark = problem.problem_mark or problem.context_mark
        if problem.context == "while scanning a quoted scalar" and problem.context_mark:
            mark = problem.context_mark  # where the quotation begins: it ends nowhere
        words = str(problem.problem or problem.context)
        return mark.line + 1 if mark else 0, mark.column + 1 if mark else 0, _WORDS.get(words, words)
    if isinstance(problem, RecursionError):
        return 0, 0, _("it is nested too deeply")
    return 0, 0, _("a value that does not fit its tag")


def _behind(before: str) -> tuple[int, int]:
    """Line and column of what follows a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")
