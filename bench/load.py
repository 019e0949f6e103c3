"""A constant load in a process of its own, so that what is measured and what measures do not share an interpreter."""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

PROBE = Path(__file__).with_name("probe.py")
MAX_SECONDS = 900  # a load that nobody stops ends by itself


@dataclass(frozen=True)
class Request:
    """One request: when it was due (seconds since 1970), how long it took (seconds), whether it was answered well."""

    due: float
    seconds: float
    ok: bool


class Load:
    """`with Load(urls, rate=200) as load: load.phase("promote"); …; figures = load.stop()`.

    `urls` carry "#service" where the answer must come from that service. `rate` is requests a second, all URLs
    together; a tenth are POST, half use keep-alive connections, and `slow` requests a second take three seconds.
    `ahead`: what asks goes ahead of all else on this host, since users have machines of their own; needs root.
    """

    def __init__(
        self, urls: Sequence[str], rate: float = 200, slow: float = 2, keepalive: float = 0.5, ahead: bool = False
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="celadon-load-"))
        files = ("events", "stop", "out.json", "raw.csv")
        self._events, self._stop, self._out, self._raw = (self._folder / name for name in files)
        first = ["chrt", "--rr", "1"] if ahead and os.geteuid() == 0 else []
        self._argv = [
            *first, sys.executable, str(PROBE), "--rate", str(rate), "--slow-rate", str(slow), "--post-share", "0.1",
            "--keepalive-share", str(keepalive), "--max-seconds", str(MAX_SECONDS), "--timeout", "10",
            "--events", str(self._events), "--stop-file", str(self._stop), "--out", str(self._out),
            "--raw", str(self._raw), *urls,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Load":
        self._process = subprocess.Popen(self._argv)
        time.sleep(1.0)
        return self

    def phase(self, name: str) -> None:
        """What comes from now on is counted under `name`."""
        with self._events.open("a") as events:
            events.write(f"{time.time()} phase:{name}\n")

    def stop(self) -> dict[str, Any]:
        """End the load, wait for what is under way, and return its figures: the whole run, and "phases" by name."""
        self._stop.touch()
        if self._process is None or self._process.wait(30) != 0:
            raise RuntimeError("the load did not end well")
        found: dict[str, Any] = json.loads(self._out.read_text())
        return found

    def requests(self) -> list[Request]:
        """Every request of a load that has stopped."""
        with self._raw.open(newline="") as raw:
            return [Request(float(r["due"]), float(r["lat"]), r["kind"] == "ok") for r in csv.DictReader(raw)]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)
