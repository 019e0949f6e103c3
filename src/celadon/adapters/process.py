"""The one door to processes: argv lists only, output streamed and its tail kept, a polite end, errors with evidence."""

import functools
import os
import select
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from celadon.errors import CommandError, CommandTimeout
from celadon.locale import _

TAIL = 40  # lines kept as evidence: enough for a compiler's error, short enough to read
POLITE = 10.0  # seconds between SIGTERM and SIGKILL

OnLine = Callable[[str], None]
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
) -> Result:
    """Run `argv` to its end and return its output.

    `env` is added to this process's environment. `on_line` is called with every line of both streams as it comes
    (from reader threads). The child gets a session of its own, so that Ctrl-C reaches only Celadon, which then ends
    the child's whole group: nothing goes on unseen. `bound` is for what takes long and changes something: the kernel
    kills it when Celadon is killed, so that it does not work against whoever heals.

    Raises CommandError when the code is not 0 and `check` is set, CommandTimeout after `timeout` seconds.
    """
    if _ending.is_set() and threading.current_thread() is not threading.main_thread():
        raise CommandError(argv, -signal.SIGTERM, (), message=_("It was ended."))
    child = _start([*_leash(), *argv] if bound else argv, cwd, env, stdin is not None)
    _children.add(child)
    tail: deque[str] = deque(maxlen=TAIL)
    out: list[str] = []
    readers = [
        _reader(child.stdout, tail, on_line, out),
        _reader(child.stderr, tail, on_line, None),
    ]
    try:
        if stdin is not None and child.stdin is not None:
            _feed(child.stdin, stdin)
        code = _ended_within(child, timeout)
    except BaseException:
        _end(child)
        raise
    finally:
        _children.discard(child)
    if code is None:
        _end(child)
        message = _("`{command}` took longer than {seconds:.0f} s and was ended.")
        raise CommandTimeout(argv, -signal.SIGTERM, tail, message=message.format(command=_shown(argv), seconds=timeout))
    for reader in readers:
        reader.join(POLITE)  # a grandchild may hold the pipe open: do not wait for it for ever
    result = Result(tuple(argv), code, "".join(out), tuple(tail))
    if check and code != 0:
        raise CommandError(argv, code, result.tail, message=_ended(argv, code))
    return result


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


def _start(
    argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, feeds: bool
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as problem:
        raise _not_started(argv, problem) from None


@functools.cache
def _leash() -> tuple[str, ...]:
    """The words before a command that let it die with its parent; none where util-linux is too old or missing.

    Not `preexec_fn`: Python cannot promise it in a process with threads, and readers of output are threads.
    """
    words = ("setpriv", "--pdeathsig", "KILL", "--")
    try:
        return words if subprocess.run([*words, "true"], capture_output=True).returncode == 0 else ()
    except FileNotFoundError:
        return ()


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


def _reader(
    stream: IO[bytes] | None, tail: deque[str], on_line: OnLine | None, keep: list[str] | None
) -> threading.Thread:
    def read() -> None:
        for raw in stream or ():
            text = raw.decode(errors="replace")
            if keep is not None:
                keep.append(text)
            line = text.rstrip("\r\n")
            tail.append(line)
            if on_line:
                on_line(line)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _ended_within(child: "subprocess.Popen[bytes]", timeout: float) -> int | None:
    """The child's code, None if it still runs after `timeout` seconds.

    The kernel says when it ends: `Popen.wait` with a timeout polls, which costs up to 50 ms a call, and a deployment
    makes some eighty calls.
    """
    descriptor = os.pidfd_open(child.pid)
    try:
        return child.wait() if select.select([descriptor], [], [], timeout)[0] else None
    finally:
        os.close(descriptor)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child's whole group: SIGTERM, then SIGKILL for what does not listen."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
            child.wait(POLITE)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return


def _shown(argv: Sequence[str]) -> str:
    words = " ".join(argv)
    return words if len(words) <= 120 else words[:117] + "..."


def _ended(argv: Sequence[str], code: int) -> str:
    if code < 0:
        return _("`{command}` was ended by {signal}.").format(command=_shown(argv), signal=signal.Signals(-code).name)
    return _("`{command}` ended with code {code}.").format(command=_shown(argv), code=code)
