"""Telling people, by the real sender to a real server: taken, refused, hanging, and never a word of the address."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from celadon.cli.verbs import VERBS
from celadon.config.load import load_frozen
from celadon.config.workspace import EnvironmentConfig
from celadon.run import notifying
from celadon.run.news import Message
from celadon.run.notifying import Messenger
from tests.inbox import TOKEN, Inbox, inbox

FAILED = Message("failed", "shop staging: deploy failed", "web fell\nceladon history --show 1")


class Notes:
    """A report of which only the notes count."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nothing but notes is told, and not {name}")


@pytest.fixture
def box() -> Iterator[Inbox]:
    with inbox() as made:
        yield made


def config(top: object, own: object = None) -> EnvironmentConfig:
    environment = {"listen": [4400], "url": "http://shop.example", **({"notify": own} if own is not None else {})}
    celadon = {"environments": {"staging": environment}, "notify": top}
    text = yaml.safe_dump({"x-celadon": celadon, "services": {"web": {"image": "nginx:1.30", "x-celadon": {}}}})
    return load_frozen(text, "shop", Path("/shop"), Path("/shop/compose.yaml"), "staging")


def told(made: EnvironmentConfig, message: Message) -> list[str]:
    """What is noted when `message` is sent to those whom the configuration names."""
    report = Notes()
    with Messenger(report) as messenger:
        messenger.tell(made.notify, message)
    return report.notes


@pytest.mark.parametrize(
    ("top", "own", "places"),
    [
        ([], None, []),
        (["json://a", "", "json://b"], None, [1, 3]),
        ("json://a", None, [1]),
        (["json://a"], ["", "json://b"], [2]),
        (["json://a"], [], []),
        ([{"url": "", "on": "failed"}], None, []),
    ],
)
def test_who_is_told(top: object, own: object, places: list[int]) -> None:
    assert list(config(top, own).notify) == places


@pytest.mark.parametrize(
    ("on", "event", "comes"),
    [
        (None, "failed", True),
        (None, "disk_low", True),
        (None, "started", False),
        ("started", "started", True),
        (["failed", "reverted"], "succeeded", False),
    ],
)
def test_only_what_was_asked_for_is_sent(box: Inbox, on: object, event: str, comes: bool) -> None:
    made = config([{"url": box.url, **({"on": on} if on else {})}])
    assert told(made, Message(event, "a title", "a body")) == []
    assert box.titles == (["a title"] if comes else [])


def test_a_message_says_what_it_is(box: Inbox) -> None:
    assert told(config(box.url), FAILED) == []
    assert [(m["title"], m["message"], m["type"]) for m in box.came] == [(FAILED.title, FAILED.body, "failure")]


def test_a_low_disk_is_told(box: Inbox) -> None:
    report = Notes()
    notifying.disk_low(config(box.url), report, free=3 << 30, floor=20 << 30, folder="/srv")
    assert box.titles == ["shop staging: the disk is low"] and box.came[0]["type"] == "warning"
    assert report.notes == []


def test_what_is_refused_is_one_note_and_keeps_nobody_else_from_being_told(box: Inbox) -> None:
    box.status = 403
    with inbox() as other:
        notes = told(config(["json://127.0.0.1:9/x", box.url, other.url]), FAILED)
        assert other.titles == [FAILED.title]
    names = "json:// (number 1), json:// (number 2)"
    assert notes == [f"The message “{FAILED.title}” was not taken by {names}; try it: celadon notify ENV"]


def test_who_hangs_is_waited_for_no_longer_than_said(box: Inbox) -> None:
    box.open.clear()
    begun = time.monotonic()
    made = config(box.url + "?rto=60")
    with Messenger(report := Notes(), limit=2) as messenger:
        messenger.tell(made.notify, FAILED)
        messenger.tell(made.notify, FAILED)
        assert time.monotonic() - begun < 1  # it is sent beside the work
    assert time.monotonic() - begun < 4
    assert len(report.notes) == 2 and TOKEN not in str(report.notes)


def test_a_process_list_shows_no_address(box: Inbox) -> None:
    box.open.clear()
    with Messenger(Notes()) as messenger:
        messenger.tell(config(box.url).notify, FAILED)
        while not box.came:
            time.sleep(0.01)
        shown = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        box.open.set()
    assert "celadon.adapters.notify" in shown and TOKEN not in shown


def test_apprise_is_imported_only_where_there_is_an_address() -> None:
    modules = "; ".join(f"import celadon.cli.{module}" for module, _line in VERBS.values())
    code = f"import sys; {modules}; import celadon.config.load; print('apprise' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
