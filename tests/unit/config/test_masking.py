"""Secrets in text, in every form in which programs print them."""

import base64
import html
import json
import shlex
import textwrap
import time
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from celadon.config.masking import Mask
from celadon.printable import HIDDEN

SECRET = "p4ss\"w\\rd/&<ü>$'+ =%"
LONG = "eyJhbGciOi" + "".join(chr(97 + n * 7 % 26) + str(n % 10) for n in range(200))
FORMS = {
    "plain": str,
    "JSON": json.dumps,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON with \\/": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON of Go": lambda text: json.dumps(text, ensure_ascii=False).replace("&", "\\u0026").replace("<", "\\u003c")
    .replace(">", "\\u003e"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON, capitals": lambda text: json.dumps(text).replace("\\u00fc", "\\u00FC"),
    "URL": lambda text: quote(text, safe=""),
    "URL with slashes": quote,
    "URL, lower case": lambda text: "".join(quote(c, safe="").lower() if quote(c) != c else c for c in text),
    "form": quote_plus,
    "HTML": html.escape,
    "shell": shlex.quote,
    "bash": lambda text: "".join(c if c.isalnum() or ord(c) > 127 or c in "_-./:@%+," else f"\\{c}" for c in text),
    "YAML": lambda text: yaml.safe_dump({"a": text}, default_style='"', allow_unicode=True, width=1000),
    "YAML, single": lambda text: f"'{text.replace(chr(39), chr(39) * 2)}'",
    "Compose": lambda text: text.replace("$", "$$"),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a pair": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "base64 of a sentence": lambda text: base64.b64encode(f"it is {text}, is it not?".encode()).decode(),
    "base64 of a line": lambda text: base64.b64encode(f"{text}\n".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"x{text}".encode()).decode(),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [SECRET, LONG, "simple123"])
def test_every_form_is_hidden(form: str, secret: str) -> None:
    said = FORMS[form](secret)
    hidden = Mask([secret])(f"it said {said} and went on")
    assert HIDDEN in hidden and hidden.startswith("it said ") and hidden.endswith(" and went on")
    for at in range(len(said) - 8):
        assert said[at : at + 8] not in hidden, hidden


@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("around", ["{}", "{}\n", "before it {}", "{} and after it, for some time yet"])
def test_base64_is_hidden_in_lines_as_well(width: int, around: str) -> None:
    said = base64.b64encode(around.format(LONG).encode()).decode()
    mask = Mask([LONG])
    core = base64.b64encode(around.partition("{")[0].encode() + LONG.encode()).decode()[24:-8]
    for line in textwrap.wrap(said, width):
        left = mask(line)
        if line in core:
            assert left == HIDDEN


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=6), st.text(max_size=20), st.text(max_size=20), st.sampled_from(sorted(FORMS)))
def test_any_secret_is_hidden_in_any_text(secret: str, before: str, after: str, form: str) -> None:
    secret = "".join(c for c in secret if not "\ud800" <= c <= "\udfff" and c.isprintable()) + "Xq7!z9"
    before, after = (" ".join(text.split()) for text in (before, after))
    if "YAML" in form and not secret.isascii():
        return  # other escapes for some letters
    said = FORMS[form](secret)
    assert said not in Mask([secret])(f"{before} {said} {after}")


def test_controls_inside_a_secret_do_not_uncover_it() -> None:
    mask = Mask(["hunter2hunter2", "tab\u200bbed-secret"])
    assert mask("\x1b[1mhunter2\x1b[0mhunter2 hun\u200bter2hunter2 tabbed-secret") == "*** *** ***"


def test_short_secrets_are_hidden_as_whole_words() -> None:
    assert Mask(["4711", "abcde"])("pin 4711, port 47110, abcde_ abcdef") == "pin ***, port 47110, ***_ abcdef"
    assert Mask(["deploy", "123456"])("deploy, deployment, 123456, 1234567") == "***, deployment, ***, 1234567"


def test_a_password_in_an_address_is_hidden_though_nobody_knows_it() -> None:
    said = "postgres://shop:n3v3r-seen@db:5432/x http://127.0.0.1:8000/a@b ssh://git@host/x"
    assert Mask()(said) == "postgres://shop:***@db:5432/x http://127.0.0.1:8000/a@b ssh://git@host/x"


def test_the_longest_secret_wins_and_neighbours_are_told_apart() -> None:
    mask = Mask(["secret-one", "secret-one-longer"])
    assert mask("secret-one-longer secret-one secret-onesecret-one") == "*** *** ******"


def test_more_is_learned_on_the_way() -> None:
    mask = Mask(["first-secret"])
    assert mask("first-secret second-secret") == "*** second-secret"
    mask.learn(["second-secret"])
    assert mask("first-secret second-secret") == "*** ***"
    assert mask.value({"a": ["first-secret", 1, None]}) == {"a": ["***", 1, None]}


def test_a_line_that_repeats_the_base64_of_a_secret_is_read_once() -> None:
    once = base64.b64encode(f"{SECRET}{'x' * (-len(SECRET) % 3)}".encode()).decode()
    begun = time.process_time()
    assert Mask([SECRET])(f"a {once * 20_000} b") == f"a {HIDDEN} b"
    assert time.process_time() - begun < 5
