"""Texts measured as terminals show them: a Korean letter takes two cells, where click and `len` count one."""

import unicodedata
from collections.abc import Iterable

import click

_SECOND = "\0"  # stands for a wide letter's second cell while click counts, and is in no text


class Formatter(click.HelpFormatter):
    """The help of a verb, wrapped by cells."""

    def write_text(self, text: str) -> None:
        super().write_text(_counted(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(first, _counted(second)) for first, second in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        return super().getvalue().replace(_SECOND, "")


def _counted(text: str) -> str:
    return "".join(letter + _SECOND if unicodedata.east_asian_width(letter) in "WF" else letter for letter in text)
