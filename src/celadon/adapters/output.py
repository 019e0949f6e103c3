"""What a child process prints, read within limits: a program that never stops printing must not fill the memory."""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import IO

KEPT = 64 << 20  # bytes of standard output that are kept
LINE = 1 << 20  # bytes of one line that are handed on; the rest of the line is dropped
TAIL = 40  # lines kept as evidence: enough for a compiler's error, short enough to read

_ENDS = re.compile(rb"\r\n|\n|\r")

OnLine = Callable[[str], None]


class Reader(threading.Thread):
    """Reads a stream to its end, in a thread of its own.

    `keep` is how many bytes are kept in `kept`, 0 for none. With more than that `overflow` is called, and the rest of
    the stream is dropped. `tail` and `on_line` get every line, at most LINE bytes of each.
    """

    def __init__(
        self,
        stream: IO[bytes],
        tail: deque[str],
        on_line: OnLine | None = None,
        keep: int = 0,
        overflow: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(daemon=True)
        self._stream, self._tail, self._on_line = stream, tail, on_line
        self._room, self._keeps, self._overflow = keep, keep > 0, overflow
        self._kept: list[bytes] = []
        self.start()

    @property
    def kept(self) -> str:
        return b"".join(self._kept).decode(errors="replace")

    @property
    def overflowed(self) -> bool:
        return self._keeps and self._room < 0

    def run(self) -> None:
        for line in _lines(self._stream, self._keep):
            self._tail.append(line)
            if self._on_line:
                self._on_line(line)

    def _keep(self, piece: bytes) -> None:
        if not self._keeps or self.overflowed:
            return
        self._room -= len(piece)
        if self.overflowed:
            self._overflow()
        else:
            self._kept.append(piece)


def _lines(stream: IO[bytes], seen: Callable[[bytes], None]) -> Iterator[str]:
    """The lines of a stream, at most LINE bytes of each; `seen` gets every byte."""
    within = False
    while piece := stream.readline(LINE):
        seen(piece)
        if not within:
            yield piece.decode(errors="replace").rstrip("\r\n")
        within = not piece.endswith(b"\n")


class Lines:
    """Lines out of pieces that end anywhere, even inside a character; at most `limit` bytes of each line."""

    def __init__(self, limit: int = LINE) -> None:
        self._limit, self._begun = limit, b""

    def add(self, piece: bytes) -> Iterator[str]:
        """The lines that `piece` completes; a carriage return ends a line, too."""
        *whole, rest = _ENDS.split(piece)
        for line in whole:
            yield from self._ended(line)
        self._begun = (self._begun + rest)[: self._limit]

    def end(self) -> Iterator[str]:
        """What was begun and is not a whole line."""
        if self._begun:
            yield from self._ended(b"")

    def _ended(self, line: bytes) -> Iterator[str]:
        text, self._begun = (self._begun + line)[: self._limit], b""
        yield text.decode(errors="replace")
