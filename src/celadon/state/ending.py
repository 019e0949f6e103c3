"""How a container ended, in words."""

import signal
from dataclasses import dataclass

from celadon.locale import _

KILLED, TERMINATED = 137, 143  # 128 and the signal, as a shell and the engine have it
SIGNALS = range(129, 129 + 64)
UNRUNNABLE = {
    126: _("its command cannot be run (exit code 126)"),
    127: _("its command, or one that it runs, was not found (exit code 127)"),
}


@dataclass(frozen=True)
class Fall:
    """How a container last ended. `code` is None where nobody knows any more.

    `by_hand`: somebody told the engine to end it (docker kill, docker stop). `out_of_memory`: it met its own limit;
    `of_the_host`: memory ran out above it, mostly that of the whole server.
    """

    code: int | None
    out_of_memory: bool = False
    by_hand: bool = False
    of_the_host: bool = False

    def __str__(self) -> str:
        return self._words().format(code=self.code, signal=_signal(self.code or 0))

    def _words(self) -> str:
        if self.code is None:
            return _("how it ended is not known any more")
        if self.of_the_host:
            return _(
                "the kernel killed it since the server ran out of memory, not for a limit of its own (exit code {code})"
            )
        if self.out_of_memory:
            return _("it took more memory than its mem_limit and was killed by the kernel (exit code {code})")
        if self.code in (KILLED, TERMINATED) and self.by_hand:
            return _("somebody ended it through the engine, by {signal} (exit code {code})")
        if self.code in (KILLED, TERMINATED):
            return _(
                "it was ended by {signal} (exit code {code}): by somebody, or by the kernel when the server ran out"
            )
        if self.code == 0 and self.by_hand:
            return _("somebody stopped it through the engine (exit code 0)")
        if self.code in SIGNALS:
            return _("it was ended by signal {signal} (exit code {code})")
        if self.code == 0:
            return _("it ended by itself, with success (exit code 0)")
        return UNRUNNABLE.get(self.code, _("it ended by itself with exit code {code}"))


def _signal(code: int) -> str:
    try:
        return signal.Signals(code - 128).name
    except ValueError:  # one of the real-time ones, or none
        return str(code - 128)
