"""The shell commands that a RUN holds, each with its place: enough of a shell to know programs, words and settings."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from celadon.check.dockerfile import Instruction, Piece
from celadon.config.positions import Place

SHELLS = ("sh", "bash", "ash", "dash", "zsh")
WRAPPERS = ("sudo", "exec", "time", "command", "env", "nice", "corepack", "then", "do", "else", "if", "!", "{")
_ENDS = re.compile(r"[;&|()]+")
_SETTING = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_HEREDOC = re.compile(r"\d*<<-?([\"']?)[A-Za-z_][\w.]*\1")


@dataclass(frozen=True)
class Command:
    """One command: its program without the folder, its arguments, the VARIABLE=value words before it."""

    place: Place
    program: str
    words: tuple[str, ...]
    settings: tuple[tuple[str, str], ...] = ()

    def verb(self, takes_value: Sequence[str] = ()) -> str:
        """The first argument that is no option and no option's value: `ci` of `npm --prefix web ci`."""
        before = ""
        for word in self.words:
            if not word.startswith("-") and before not in takes_value:
                return word
            before = word
        return ""


def commands(run: Instruction) -> Iterator[Command]:
    """Every command of a RUN, also those of `sh -c "…"` and of a here-document that a shell reads."""
    if run.listed is not None:
        yield from _of_words(run.place, list(run.listed))
        return
    pieces = [Piece(p.line, p.column, _HEREDOC.sub(lambda m: " " * len(m[0]), p.text)) for p in run.pieces]
    found = list(_commands(pieces))
    yield from found
    script = not found or found[-1].program in SHELLS
    for heredoc in run.heredocs if script else ():
        first = heredoc.pieces[0].text if heredoc.pieces else ""
        if first.startswith("#!") and PurePosixPath(first.split()[-1]).name not in SHELLS:
            continue
        for logical in _logical(heredoc.pieces):
            yield from _commands(logical)


def _logical(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The lines of a script: joined where they end with a backslash, comments left out."""
    held: list[Piece] = []
    for piece in pieces:
        text = piece.text.strip()
        if text.startswith("#") or not text:
            continue
        column = piece.column + len(piece.text) - len(piece.text.lstrip())
        held.append(Piece(piece.line, column, text.removesuffix("\\").rstrip()))
        if not text.endswith("\\"):
            yield held
            held = []
    if held:
        yield held


def _commands(pieces: Sequence[Piece]) -> Iterator[Command]:
    words: list[str] = []
    place = Place(0, 0)
    for piece in pieces:
        at = 0
        for word in split(piece.text):
            if _ENDS.fullmatch(word):
                yield from _of_words(place, words)
                words = []
            else:
                begin = max(at, piece.text.find(word, at))
                place = place if words else Place(piece.line, piece.column + begin)
                words.append(word)
                at = min(begin + len(word), len(piece.text))
    yield from _of_words(place, words)


def split(text: str) -> list[str]:
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()")
        lexer.whitespace_split, lexer.commenters = True, ""
        return list(lexer)
    except ValueError:  # a quotation that goes on in the next line
        return text.split()


def _of_words(place: Place, words: list[str]) -> Iterator[Command]:
    settings: list[tuple[str, str]] = []
    words = list(words)
    while words and (words[0] in WRAPPERS or _SETTING.fullmatch(words[0])):
        if match := _SETTING.fullmatch(words.pop(0)):
            settings.append((match[1], match[2]))
    if words and words[0] == "export":
        settings += [(m[1], m[2]) for word in words[1:] if (m := _SETTING.fullmatch(word))]
    if not words:
        if settings:
            yield Command(place, "", (), tuple(settings))
        return
    program = PurePosixPath(words[0]).name
    if program.startswith("python") and words[1:2] == ["-m"] and words[2:]:
        program, words = words[2], words[2:]
    if program in SHELLS and any(re.fullmatch(r"-\w*c", word) for word in words[1:]):
        script = next((word for word in words[2:] if not word.startswith("-")), "")
        for inner in _commands([Piece(place.line, place.column, script)]):
            yield Command(place, inner.program, inner.words, (*settings, *inner.settings))
        return
    yield Command(place, program, tuple(words[1:]), tuple(settings))
