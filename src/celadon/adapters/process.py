"""The one door to processes: argv lists only, output streamed and its tail kept, a polite end, errors with evidence."""

import functools
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar, cast

from celadon.adapters.child_limits import Limits, leash, limited
from celadon.adapters.output import KEPT, TAIL, OnLine, Reader
from celadon.errors import CommandError, CommandTimeout
from celadon.locale import _, numbers

LONGEST = 64 << 10  # bytes of a line that is changed before it is shown
POLITE = 10.0  # seconds between SIGTERM and SIGKILL
LOOK = 1.0  # seconds between two looks of whoever watches a child
PIECE = 64 << 10  # bytes that are read at once

T = TypeVar("T")
R = TypeVar("R")

_ending = threading.Event()  # what runs side by side is to end, and nothing new to begin there
_children: "set[subprocess.Popen[bytes]]" = set()  # those that run, in whatever thread


@dataclass(frozen=True)
class Result:
    """How a process ended. `out` is its standard output, `tail` the last lines of both streams."""

    argv: tuple[str, ...]
    code: int
    out: str
    tail: tuple[str, ...]


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float = 120.0,
    on_line: OnLine | None = None,
    check: bool = True,
    bound: bool = False,
    whole: bool = False,
    keep: int = KEPT,
    limits: Limits | None = None,
    watch: Callable[[], str] | None = None,
) -> Result:
    """Run `argv` to its end and return its output.

    `env` is added to this process's environment. `on_line` is called with every line of both streams as it comes
    (from reader threads). The child gets a session of its own, so that Ctrl-C reaches only Celadon, which then ends
    the child's whole group: nothing goes on unseen. `bound` is for what takes long and changes something: the kernel
    kills it when Celadon is killed, so that it does not work against a repair. With `whole`, `env` is all of the
    child's environment. `keep` is how many bytes of standard output may come; with 0 none are kept, and there may be
    any number. `watch` is called every second; where it returns words, the child is stopped, and they are the error's.

    Raises CommandError when the code is not 0 and `check` is set, when more than `keep` bytes come, and when `watch`
    objects; CommandTimeout after `timeout` seconds.
    """
    prefix = [*(leash() if bound else ()), *limited(limits)]
    child = _start(argv, cwd, env, feeds=stdin is not None, prefix=prefix, whole=whole)
    _children.add(child)
    tail: deque[str] = deque(maxlen=TAIL)
    out = Reader(cast("IO[bytes]", child.stdout), tail, on_line, keep, functools.partial(_kill, child))
    readers = (out, Reader(cast("IO[bytes]", child.stderr), tail, on_line))
    try:
        if stdin is not None and child.stdin is not None:
            _feed(child.stdin, stdin)
        code = _ended_within(child, timeout, watch)
    except BaseException:
        _end(child)
        raise
    finally:
        _children.discard(child)
    if code is None:
        _end(child)
        raise _too_late(argv, timeout, tail)
    for reader in readers:
        reader.join(POLITE)  # a grandchild may hold the pipe open: do not wait for it for ever
    if out.overflowed:
        raise _too_much(argv, code, tail, keep)
    result = Result(tuple(argv), code, out.kept, tuple(tail))
    if check and code != 0:
        raise failed(result)
    return result


def failed(result: Result) -> CommandError:
    """The error of a process that ended with another code than 0."""
    return CommandError(result.argv, result.code, result.tail, message=_ended(result.argv, result.code))


def pieces(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 120.0,
    limits: Limits | None = None,
) -> Iterator[bytes]:
    """Standard output of `argv` as it comes, for what is too long to be kept. The child goes no further than it is
    read, and is stopped where the reader stops (`close` it, or it lingers).

    Raises CommandError when the code is not 0, CommandTimeout after `timeout` seconds.
    """
    child = _start(argv, cwd, env, prefix=limited(limits))
    _children.add(child)
    end = time.monotonic() + timeout
    tail: deque[str] = deque(maxlen=TAIL)
    errors, out = Reader(cast("IO[bytes]", child.stderr), tail), cast("IO[bytes]", child.stdout)
    try:
        while (left := end - time.monotonic()) > 0 and select.select([out], [], [], left)[0]:
            piece = os.read(out.fileno(), PIECE)
            if not piece:
                break
            yield piece
        code = _ended_within(child, end - time.monotonic())
    finally:
        if child.poll() is None:
            _end(child)
        _children.discard(child)
        out.close()
    if code is None:
        raise _too_late(argv, timeout, tail)
    errors.join(POLITE)
    if code != 0:
        raise failed(Result(tuple(argv), code, "", tuple(tail)))


def side_by_side(work: Callable[[T], R], items: Sequence[T], at_once: int = 8) -> list[R]:
    """`work` for each of `items`, in their order, in threads. Who interrupts it ends what they run at once."""
    from concurrent.futures import ThreadPoolExecutor  # 8 ms that most commands need not pay

    with ThreadPoolExecutor(at_once) as pool:
        try:
            return list(pool.map(work, items))
        except BaseException:
            _ending.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for child in list(_children):
                _end(child)
            pool.shutdown()
            raise
        finally:
            _ending.clear()


def pause(seconds: float) -> None:
    """Sleep, unless what runs side by side is ended."""
    _ending.wait(seconds)


def attach(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run `argv` on this terminal (logs that follow, a shell in a container, an editor) and return its code.

    Ended by a signal it is 128 and the signal, as a shell has it: 141 when who reads its output has gone.
    """
    try:
        code = subprocess.call(list(argv), cwd=cwd, env={**os.environ, **env} if env else None)
        return code if code >= 0 else 128 - code
    except OSError as problem:
        raise _not_started(argv, problem) from None


def shown(argv: Sequence[str], change: Callable[[str], str]) -> int:
    """As `attach`, for what only prints: where a stream is a terminal, each line of it is changed first.

    Into a pipe or a file everything goes as it comes, byte by byte.
    """
    pipes = [subprocess.PIPE if os.isatty(number) else None for number in (1, 2)]
    try:
        child = subprocess.Popen(list(argv), stdin=subprocess.DEVNULL, stdout=pipes[0], stderr=pipes[1])
    except OSError as problem:
        raise _not_started(argv, problem) from None
    streams = [(pipe, number) for number, pipe in ((1, child.stdout), (2, child.stderr)) if pipe]
    readers = [threading.Thread(target=_pass_on, args=(*one, change), daemon=True) for one in streams]
    for reader in readers:
        reader.start()
    try:
        code = child.wait()
    except KeyboardInterrupt:  # the child heard it as well
        child.wait()
        raise
    for reader in readers:
        reader.join(POLITE)
    return code if code >= 0 else 128 - code


def _pass_on(pipe: IO[bytes], descriptor: int, change: Callable[[str], str]) -> None:
    """Lines of a pipe, changed, to a terminal; what has no end in sight is cut."""
    while line := pipe.readline(LONGEST):
        text = change(line.decode(errors="replace").removesuffix("\n")) + ("\n" if line.endswith(b"\n") else "")
        data = text.encode()
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except OSError:  # the terminal has gone
            return


def _start(
    argv: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    *,
    feeds: bool = False,
    prefix: Sequence[str] = (),
    whole: bool = False,
) -> "subprocess.Popen[bytes]":
    """`prefix` are the words before the command that limit it."""
    if _ending.is_set() and threading.current_thread() is not threading.main_thread():
        raise CommandError(argv, -signal.SIGTERM, (), message=_("It was ended."))
    if prefix:
        import shutil  # 4 ms that most commands need not pay

        if shutil.which(argv[0]) is None:
            raise _not_started(argv, FileNotFoundError())
    try:
        return subprocess.Popen(
            [*prefix, *argv],
            cwd=cwd,
            env=dict(env or {}) if whole else {**os.environ, **env} if env else None,
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as problem:
        raise _not_started([*prefix, *argv], problem) from None


def _not_started(argv: Sequence[str], problem: OSError) -> CommandError:
    """The codes are those of a shell."""
    if isinstance(problem, FileNotFoundError):
        words = _("The program `{program}` is not installed.").format(program=argv[0])
        return CommandError(argv, 127, (), message=words)
    words = _("The program `{program}` cannot be started: {problem}.")
    return CommandError(argv, 126, (), message=words.format(program=argv[0], problem=problem.strerror))


def _feed(pipe: IO[bytes], text: str) -> None:
    try:
        pipe.write(text.encode())
        pipe.close()
    except BrokenPipeError:
        pass  # the child ended without reading; its code says why


def _ended_within(
    child: "subprocess.Popen[bytes]", timeout: float, watch: Callable[[], str] | None = None
) -> int | None:
    """The child's code, None if it still runs after `timeout` seconds. Raises CommandError where `watch` objects.

    The kernel says when it ends: `Popen.wait` with a timeout polls, which costs up to 50 ms a call, and a deployment
    makes some eighty calls.
    """
    descriptor = os.pidfd_open(child.pid)
    end = time.monotonic() + timeout
    try:
        while True:
            left = max(0.0, end - time.monotonic())
            if select.select([descriptor], [], [], min(left, LOOK) if watch else left)[0]:
                return child.wait()
            if watch and (objection := watch()):
                raise CommandError([], -signal.SIGTERM, (), message=objection)
            if time.monotonic() >= end:
                return None
    finally:
        os.close(descriptor)


def _kill(child: "subprocess.Popen[bytes]") -> None:
    """Kill the child's whole group at once; the thread that waits for it learns how it ended."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child's whole group: SIGTERM, then SIGKILL for what does not listen, and for what the child leaves."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(child.pid)
        try:
            os.killpg(child.pid, signal.SIGTERM)
            select.select([descriptor], [], [], POLITE)
            os.killpg(child.pid, signal.SIGKILL)  # until the child is waited for, the group's number is its own
        finally:
            os.close(descriptor)
    with suppress(subprocess.TimeoutExpired):
        child.wait(POLITE)


def _shown(argv: Sequence[str]) -> str:
    words = " ".join(argv)
    return words if len(words) <= 120 else words[:117] + "..."


def _too_late(argv: Sequence[str], timeout: float, tail: Sequence[str]) -> CommandTimeout:
    message = _("`{command}` took longer than {seconds:.0f} s and was ended.")
    return CommandTimeout(argv, -signal.SIGTERM, tail, message=message.format(command=_shown(argv), seconds=timeout))


def _too_much(argv: Sequence[str], code: int, tail: Sequence[str], keep: int) -> CommandError:
    message = _("`{command}` printed more than {size} and was stopped.")
    return CommandError(argv, code, tail, message=message.format(command=_shown(argv), size=numbers.size(keep)))


def _ended(argv: Sequence[str], code: int) -> str:
    if code < 0:
        return _("`{command}` was ended by {signal}.").format(command=_shown(argv), signal=signal.Signals(-code).name)
    return _("`{command}` ended with code {code}.").format(command=_shown(argv), code=code)
