"""Secrets hidden in text, in whatever form they stand there. Cheap for thousands of values and 100,000 lines. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from celadon.config.encoded_forms import base64_forms, forms
from celadon.config.secret_values import LEAST
from celadon.printable import HIDDEN, printable, without_passwords

_NUMBER_OR_WORD = re.compile(r"[A-Za-z]{,11}|\d+")  # as a part of another one it is no secret: only alone
_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]")
_GRAM, _STEP = 4, 3  # every third place of a text is looked up: each form has a gram at one of its first three


Reach = Callable[[str, int, int], tuple[int, int] | None]  # where a form stands in a text → what is hidden of it


class Mask:
    """Hides known secrets in texts: `mask(text)`. More may be learned at any time, from any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._starts: dict[str, list[tuple[str, int, Reach]]] = {}  # gram → forms that have it, and where
        self._short = re.compile(r"(?!)")
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these as well, from now on."""
        fresh = {one for secret in secrets for one in (secret, printable(secret))} - self._known
        self._known = self._known | fresh
        starts = dict(self._starts)
        for secret in fresh:
            if len(secret) >= LEAST:
                for form in forms(secret):
                    _add(starts, form, _alone if _NUMBER_OR_WORD.fullmatch(form) else _as_it_is)
                for form in base64_forms(secret):
                    _add(starts, form, _word)
        self._starts = starts
        if short := [re.escape(one) for one in self._known if 0 < len(one) < LEAST]:
            self._short = re.compile(rf"(?<![^\W_])(?:{'|'.join(short)})(?![^\W_])")

    def __call__(self, text: str) -> str:
        """`text` as it may be logged and shown: printable, and without secrets."""
        text = printable(text)
        if spans := self._spans(text):
            text = _without(text, spans)
        text = self._short.sub(HIDDEN, text)
        return without_passwords(text)

    def value(self, value: Any) -> Any:
        """The same for every text in a value; names of fields stay."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {key: self.value(one) for key, one in value.items()}
        return [self.value(one) for one in value] if isinstance(value, (list, tuple)) else value

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand, in order."""
        starts = self._starts
        found = []
        whole = (0, 0)  # the last base64 word: one in which a form is repeated is not read for each of them
        for at in [at for at in range(0, len(text) - _GRAM + 1, _STEP) if text[at : at + _GRAM] in starts]:
            for form, offset, reach in starts[text[at : at + _GRAM]]:
                begin = at - offset
                if begin < 0 or (reach is _word and whole[0] <= begin < whole[1]) or not text.startswith(form, begin):
                    continue
                if span := reach(text, begin, begin + len(form)):
                    found.append(span)
                    whole = span if reach is _word else whole
        return sorted(found)


def _add(starts: dict[str, list[tuple[str, int, Reach]]], form: str, reach: Reach) -> None:
    for offset in range(_STEP):
        gram = form[offset : offset + _GRAM]
        starts[gram] = [*starts.get(gram, ()), (form, offset, reach)]


def _as_it_is(text: str, begin: int, end: int) -> tuple[int, int]:
    return begin, end


def _alone(text: str, begin: int, end: int) -> tuple[int, int] | None:
    """None where it is a part of a longer word."""
    return None if text[begin - 1 : begin].isalnum() or text[end : end + 1].isalnum() else (begin, end)


def _word(text: str, begin: int, end: int) -> tuple[int, int]:
    """The whole base64 word around a part of it: its neighbours hold bits of the secret."""
    while begin and text[begin - 1] != "=" and _BASE64.match(text[begin - 1]):
        begin -= 1
    while end < len(text) and _BASE64.match(text[end]):
        end += 1
    return begin, end


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    parts, at = [], 0
    for begin, end in spans:
        if begin >= at:
            parts += [text[at:begin], HIDDEN]
        at = max(at, end)
    return "".join([*parts, text[at:]])
