"""What is removed from text of strangers before it is logged or shown, and what stays."""

import json
import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celadon.printable import coloured, escaped, printable

ESC = "\x1b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        (f"{ESC}[31mred{ESC}[0m", "red"),
        (f"{ESC}[2J{ESC}[1;1Hmoved", "moved"),
        ("\x9b31mred", "red"),
        (f"{ESC}]0;title\x07after", "after"),
        (f"{ESC}]52;c;Y2xpcGJvYXJk{ESC}\\after", "after"),
        (f"{ESC}]8;;https://evil.example{ESC}\\link{ESC}]8;;{ESC}\\", "link"),
        (f"{ESC}P+q544e{ESC}\\after", "after"),
        ("\x9d0;title\x9cafter", "after"),
        (f"{ESC}]0;never closed", "0;never closed"),
        (f"{ESC}(0lqqk{ESC}(B", "lqqk"),
        (f"{ESC}c{ESC}7{ESC}=reset", "reset"),
        ("bell\x07 back\x08space nul\0 del\x7f", "bell backspace nul del"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("one\r\ntwo", "one\ntwo"),
        ("\u202egpj.exe\u202c \u2066x\u2069 \u200e\u200f\u061c", "gpj.exe x "),
        ("zero\u200bwidth \u2060\ufeff\u00ad", "zerowidth "),
        ("pay\u200dpal", "paypal"),
        ("tags\U000e0041\U000e0042", "tags"),
        ("one\u2028two\u2029three", "one two three"),
        ("half \ud83d", "half \ufffd"),
        ("👩\u200d💻 works", "👩\u200d💻 works"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("배포 Grüße ❤\ufe0f", "배포 Grüße ❤\ufe0f"),
    ],
)
def test_what_a_terminal_would_obey_is_removed(text: str, shown: str) -> None:
    assert printable(text) == shown


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(), max_size=60) | st.text(f"{ESC}[]PX^_\\\x07\x9b\x9c;0123mHab\n \u200b\u200d\u202e"))
def test_nothing_is_left_that_controls_or_hides(text: str) -> None:
    shown = printable(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\t\n"]
    assert not [c for c in shown if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI")]
    assert printable(shown) == shown
    shown.encode()


@settings(deadline=None, max_examples=50)
@given(st.text(st.sampled_from(f"{ESC}[]P\x07\x9b\x9c;0123mHJab ?\r\u200b"), max_size=40))
def test_colours_alone_stay_in_the_logs_of_services(text: str) -> None:
    shown = coloured(text)
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;:]*m", "", shown)
    assert "\x9b" not in shown and "\x07" not in shown and "\r" not in shown


def test_a_line_of_a_service_keeps_its_colours_and_nothing_else() -> None:
    line = f"{ESC}[1;31merror{ESC}[0m {ESC}[2K{ESC}]0;x\x07done 10%\r20%"
    assert coloured(line) == f"{ESC}[1;31merror{ESC}[0m done 10%\n20%{ESC}[0m"
    assert coloured("no colour") == "no colour"


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.text(), st.text()))
def test_documents_say_the_same_in_letters_that_a_terminal_shows(value: dict[str, str]) -> None:
    text = escaped(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value and printable(text) == text


def test_readable_text_in_documents_stays_readable() -> None:
    assert escaped('{"a": "배포 ä"}') == '{"a": "배포 ä"}'
    assert escaped('{"a": "x\u202ey\U000e0041"}') == '{"a": "x\\u202ey\\udb40\\udc41"}'


@pytest.mark.parametrize(
    "line", ["\x9d" * 300_000, "é" + "\u200c\u200d" * 150_000 + "a", "é" + "\u200d" * 300_000 + "é"]
)
def test_a_line_that_nearly_matches_everywhere_takes_no_longer_than_another(line: str) -> None:
    begun = time.process_time()
    printable(line)
    assert time.process_time() - begun < 5
