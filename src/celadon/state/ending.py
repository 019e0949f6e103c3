"""How a container ended, in words."""

from dataclasses import dataclass

from celadon.locale import _

SIGNALS = {137: "SIGKILL", 143: "SIGTERM"}  # by the exit code that a shell and the engine give them


@dataclass(frozen=True)
class Fall:
    """How a container last ended. `by_hand`: somebody told the engine to end it (docker kill, docker stop)."""

    code: int
    out_of_memory: bool = False
    by_hand: bool = False

    def __str__(self) -> str:
        return self._words().format(code=self.code, signal=SIGNALS.get(self.code, self.code - 128))

    def _words(self) -> str:
        if self.out_of_memory:
            return _("it took more memory than its mem_limit and was killed by the kernel (exit code {code})")
        if self.code in SIGNALS and self.by_hand:
            return _("somebody ended it through the engine, by {signal} (exit code {code})")
        if self.code in SIGNALS:
            return _(
                "it was ended by {signal} (exit code {code}): by somebody, or by the kernel when the server ran out"
            )
        if self.code == 0 and self.by_hand:
            return _("somebody stopped it through the engine (exit code 0)")
        if self.code > 128:
            return _("it was ended by signal {signal} (exit code {code})")
        if self.code == 0:
            return _("it ended by itself, with success (exit code 0)")
        return _("it ended by itself with exit code {code}")
