"""The most of something while a body runs, looked at again and again in a thread."""

import threading
from collections.abc import Callable


class Peak:
    """`with Peak(look) as memory: …; memory.most`: the largest that `look` gave, asked `often` times a second."""

    def __init__(self, look: Callable[[], int], often: float = 10) -> None:
        self.most = 0
        self._look, self._pause, self._over = look, 1 / often, threading.Event()

    def __enter__(self) -> "Peak":
        self._looking = threading.Thread(target=self._run)
        self._looking.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._looking.join()

    def _run(self) -> None:
        while not self._over.wait(self._pause):
            self.most = max(self.most, self._look())
