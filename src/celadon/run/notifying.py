"""Telling people beside the work: nothing here raises, delays a step, or takes longer than it may."""

import threading
from collections.abc import Mapping
from types import TracebackType

from celadon.adapters import notify
from celadon.config.notify import Notify
from celadon.config.workspace import EnvironmentConfig
from celadon.locale import _
from celadon.run import news
from celadon.run.news import Message
from celadon.run.report import Report

KINDS = {news.SUCCEEDED: notify.SUCCESS, news.FAILED: notify.FAILURE, news.REVERTED: notify.FAILURE,
         news.DISK_LOW: notify.WARNING}  # fmt: skip


class Messenger:
    """Sends messages beside the work, and at the end waits for what is under way.

    Used with `with`; what was not taken is noted in `report` then, by place and scheme: never by address.
    """

    def __init__(self, report: Report, limit: int = notify.LIMIT) -> None:
        """Sending one message may take `limit` seconds."""
        self._report, self._limit = report, limit
        self._under_way: list[threading.Thread] = []
        self._failures: list[str] = []

    def tell(self, addresses: Mapping[int, Notify], message: Message) -> None:
        """Send `message` to those of `addresses` who asked for its event; returns at once."""
        chosen = {place: one for place, one in addresses.items() if message.event in one.on}
        if not chosen:
            return

        def work() -> None:
            taken = deliver(chosen, message, self._limit)
            if refused := ", ".join(named(place, one) for place, one in chosen.items() if not taken[place]):
                words = _("The message “{title}” was not taken by {names}; try it: celadon notify ENV")
                self._failures.append(words.format(title=message.title, names=refused))

        thread = threading.Thread(target=work, daemon=True)
        self._under_way.append(thread)
        thread.start()

    def settle(self) -> None:
        """Wait for what is under way, which has its limit, and note what was not taken."""
        for thread in self._under_way:
            thread.join()
        for failure in self._failures:
            self._report.note(failure)
        self._under_way, self._failures = [], []

    def __enter__(self) -> "Messenger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle()


def deliver(addresses: Mapping[int, Notify], message: Message, limit: int = notify.LIMIT) -> dict[int, bool]:
    """Send `message` to all of `addresses`, now; returns for each place whether it was taken."""
    urls = [one.url.get_secret_value() for one in addresses.values()]
    kind = KINDS.get(message.event, notify.INFO)
    return dict(zip(addresses, notify.send(message.title, message.body, kind, urls, limit), strict=True))


def named(place: int, one: Notify) -> str:
    """An address as it may be said: its place in its list, and its scheme."""
    return _("{scheme}:// (number {place})").format(scheme=one.scheme, place=place)


def disk_low(config: EnvironmentConfig, report: Report, *, free: int, floor: int, folder: str) -> None:
    """Tell those whom an environment's `notify` names that less than `floor` bytes are `free` on the disk of `folder`.

    Returns when they were told, at the latest after the sender's limit; never raises. Not for each look of a verb that
    only looks: whoever calls it says once what it found.
    """
    with Messenger(report) as messenger:
        messenger.tell(config.notify, news.disk_low(config.workspace, config.name, free=free, floor=floor,
                                                    folder=folder))  # fmt: skip
