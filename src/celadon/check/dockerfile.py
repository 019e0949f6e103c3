"""A Dockerfile as its instructions: directives, comments, continuation lines, here-documents and stages.

Source of the rules: docs.docker.com/reference/dockerfile. Nothing is expanded, and nothing is refused that BuildKit
would build.
"""

import bisect
import functools
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from celadon.config.positions import Place

KNOWN = frozenset({
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
    "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
})  # fmt: skip
_DIRECTIVE = re.compile(r"#\s*([A-Za-z][\w-]*)\s*=\s*(\S.*)$")  # matched against a line without spaces at its end
_HEREDOC = re.compile(r"(?<![<\w])\d*<<(-?)([\"']?)([A-Za-z_][\w.]*)\2")
_FLAG = re.compile(r"--[a-z][\w-]*(=(\"[^\"]*\"|'[^']*'|\S)*)?(\s+|$)")


@dataclass(frozen=True)
class Piece:
    """A part of an instruction as it stands in one line; `column` is that of its first character."""

    line: int
    column: int
    text: str


@dataclass(frozen=True)
class Heredoc:
    """A here-document: the lines between its marks."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Instruction:
    """One instruction. `flags` are "--mount=…"; `pieces` its arguments, line by line; `stage` counts the FROMs from 0,
    -1 before the first."""

    name: str
    place: Place
    flags: tuple[str, ...]
    pieces: tuple[Piece, ...]
    heredocs: tuple[Heredoc, ...] = ()
    stage: int = -1

    @property
    def text(self) -> str:
        """The arguments in one line."""
        return " ".join(piece.text.strip() for piece in self.pieces).strip()

    @property
    def listed(self) -> tuple[str, ...] | None:
        """The words of the exec form ["node", "server.js"]; None for the shell form."""
        if not self.text.startswith("["):
            return None
        try:
            words = json.loads(self.text)
        except (ValueError, RecursionError):
            return None
        return tuple(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


@dataclass(frozen=True)
class Stage:
    """One FROM: the image or stage that it is made of, its own name ("" without), and its instructions."""

    base: str
    name: str
    opening: Instruction
    body: tuple[Instruction, ...]


@dataclass(frozen=True)
class Dockerfile:
    """All instructions, in their order; `before` stand above the first FROM."""

    before: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    unknown: tuple[Instruction, ...]

    def last(self, target: str = "") -> Stage | None:
        """The stage that becomes the image: the one named `target`, or the last."""
        named = [stage for n, stage in enumerate(self.stages) if target and target.lower() in (stage.name, str(n))]
        found = named or self.stages
        return found[-1] if found else None

    def lineage(self, stage: Stage) -> tuple[Stage, ...]:
        """The stages that `stage` is made of, the farthest first, itself last."""
        found = [stage]
        earlier = list(self.stages[: stage.opening.stage])
        while parent := next((s for s in reversed(earlier) if s.name and s.name == found[0].base.lower()), None):
            found.insert(0, parent)
            earlier = earlier[: parent.opening.stage]
        return tuple(found)


@functools.lru_cache(maxsize=16)
def parse(text: str) -> Dockerfile:
    """The Dockerfile of `text`; words that are no instruction are kept in `unknown`.

    Every rule asks for it, and somebody may push one that takes seconds.
    """
    instructions = list(_staged(_instructions(text.removeprefix("\ufeff").splitlines())))
    stages = []
    for _number, group in itertools.groupby(instructions, key=lambda one: one.stage):
        opening, *body = group
        if opening.name == "FROM":
            words = opening.text.split()
            name = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else ""
            stages.append(Stage(words[0] if words else "", name, opening, tuple(body)))
    before = tuple(one for one in instructions if one.stage < 0)
    return Dockerfile(before, tuple(stages), tuple(one for one in instructions if one.name not in KNOWN))


def _staged(found: Iterator[Instruction]) -> Iterator[Instruction]:
    stage = -1
    for one in found:
        stage += one.name == "FROM"
        yield replace(one, stage=stage)


def _instructions(lines: Sequence[str]) -> Iterator[Instruction]:
    escape, number = _directives(lines)
    places: dict[tuple[str, bool], list[int]] = {}
    while number < len(lines):
        if not lines[number].strip() or lines[number].lstrip().startswith("#"):
            number += 1
            continue
        pieces, number = _logical_line(lines, number, escape)
        one = _instruction(pieces)
        heredocs: list[Heredoc] = []
        if one.name in ("RUN", "COPY", "ADD"):
            for match in _HEREDOC.finditer(one.text):
                places = places or _line_numbers(lines)
                end = _next(places.get((match[3], bool(match[1])), ()), number)
                if end is None:
                    break  # an arithmetic shift, or a mistake that BuildKit will name
                body = tuple(Piece(n + 1, 1, lines[n]) for n in range(number, end))
                heredocs.append(Heredoc(match[3], body))
                number = end + 1
        yield replace(one, heredocs=tuple(heredocs))


def _directives(lines: Sequence[str]) -> tuple[str, int]:
    """The escape character, and the line after the directives: they stand above everything else."""
    escape, count = "\\", 0
    for line in lines:
        match = _DIRECTIVE.match(line.strip())
        if not match or match[1].lower() not in ("syntax", "escape", "check"):
            break
        count += 1
        if match[1].lower() == "escape" and match[2] in ("\\", "`"):
            escape = match[2]
    return escape, count


def _logical_line(lines: Sequence[str], number: int, escape: str) -> tuple[list[Piece], int]:
    """The lines that a continuation joins, less comments and empty ones between them; and the line after them."""
    pieces: list[Piece] = []
    while number < len(lines):
        line = lines[number]
        number += 1
        if pieces and (not line.strip() or line.lstrip().startswith("#")):
            continue
        body = line.rstrip()
        goes_on = body.endswith(escape)
        body = body[: -len(escape)] if goes_on else body
        start = len(body) - len(body.lstrip())
        pieces.append(Piece(number, start + 1, body.strip()))
        if not goes_on:
            break
    return pieces, number


def _instruction(pieces: Sequence[Piece]) -> Instruction:
    """The first word is the instruction, words with -- after it are its flags; both may be on lines of their own."""
    first = pieces[0]
    name = first.text.split(maxsplit=1)[0] if first.text else ""
    rest = [_cut(first, len(name)), *pieces[1:]]
    flags: list[str] = []
    for number, piece in enumerate(rest):
        while match := _FLAG.match(piece.text):
            flags.append(match[0].strip())
            piece = _cut(piece, match.end())
        rest[number] = piece
        if piece.text:
            break
    kept = tuple(piece for piece in rest if piece.text)
    return Instruction(name.upper(), Place(first.line, first.column), tuple(flags), kept)


def _cut(piece: Piece, count: int) -> Piece:
    """A piece without its first characters and the space after them."""
    text = piece.text[count:]
    return Piece(piece.line, piece.column + count + len(text) - len(text.lstrip()), text.lstrip())


def _line_numbers(lines: Sequence[str]) -> dict[tuple[str, bool], list[int]]:
    """Where each line stands, as it is (False) and without tabs before it (True): a search for each heredoc would take
    minutes where somebody writes very many."""
    found: dict[tuple[str, bool], list[int]] = {}
    for number, line in enumerate(lines):
        for tabs, text in ((False, line), (True, line.lstrip("\t"))):
            found.setdefault((text.rstrip("\r"), tabs), []).append(number)
    return found


def _next(numbers: Sequence[int], start: int) -> int | None:
    """The first of the sorted `numbers` that is not below `start`."""
    place = bisect.bisect_left(numbers, start)
    return numbers[place] if place < len(numbers) else None
