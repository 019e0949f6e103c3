"""Text that somebody else wrote, as part of one line: nothing breaks the line, moves a cursor or turns text round."""

import unicodedata

SHOWN = "\ufffd"  # instead of a character that is not to be shown


def is_plain(text: str) -> bool:
    """Whether there is nothing to replace."""
    return not any(map(_acts, text))


def plain(text: str) -> str:
    """`text`, with control, format and line-separator characters replaced."""
    return "".join(SHOWN if _acts(letter) else letter for letter in text)


def _acts(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind in ("Cc", "Cf", "Cs", "Zl", "Zp")
