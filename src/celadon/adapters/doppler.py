"""Doppler: all variables of a config, over its HTTP API (https://docs.doppler.com/reference/secrets-download)."""

import json
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from celadon.errors import CeladonError, UsageError
from celadon.locale import _, numbers

if TYPE_CHECKING:
    from pydantic import SecretStr
    from requests import PreparedRequest, Response

HOST = "https://api.doppler.com"
VARIABLE = "DOPPLER_API_HOST"  # another address of the API; Doppler's own command reads the same one
PATH = "/v3/configs/config/secrets/download"
TRIES = 3
SILENCE = 15.0  # seconds without a byte
SAID = 200  # characters of Doppler's own words that are shown
LIMIT = 4 << 20  # bytes of an answer; Doppler allows 50 KB for a variable and some hundred variables for a config
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Answer:
    """What came back: the whole body, never a part. `again` is what Retry-After says, in seconds; None without it."""

    status: int
    text: str
    again: float | None


class _Broken(Exception):
    """No whole answer came; the words say why."""


def download(project: str, config: str, token: "SecretStr", limit: float, say: Callable[[str], None]) -> str:
    """The variables of a config, as JSON. What may pass by itself is asked again, all within `limit` seconds.

    `say` is told why it takes longer. Raises CeladonError with what to do; no message holds the token or a value.
    """
    host, deadline, tried = _host(), time.monotonic() + limit, 0
    while True:
        tried += 1
        try:
            answer = _within(deadline, host, project, config, token)
        except _Broken as problem:
            words, pause = str(problem), float(tried)
        else:
            if answer.status == 200:
                return answer.text
            words = _words(answer, project, config)
            if answer.status != 429 and answer.status < 500:
                raise _refused(answer, words, token)
            pause = answer.again if answer.again is not None else float(tried)
        left = deadline - time.monotonic()
        if tried == TRIES or pause >= left:
            hint = _("Try again in {seconds:.0f} s.").format(seconds=pause) if pause >= left > 0 else _later(host)
            raise CeladonError(words, hint=hint)
        say(_("{problem} Trying again in {seconds:.0f} s …").format(problem=words, seconds=pause))
        time.sleep(pause)


def _later(host: str) -> str:
    return _("Nothing was written. Try again later; is {host} reached from here?").format(host=host)


def _host() -> str:
    """The API's address. A token goes over TLS, or stays on this machine."""
    host = os.environ.get(VARIABLE) or HOST
    parts = urlsplit(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise UsageError(_("{variable} should be an https:// address.").format(variable=VARIABLE))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _within(deadline: float, host: str, project: str, config: str, token: "SecretStr") -> Answer:
    """One question. In a thread: the client's own limits begin anew with every byte of a server that drips."""
    came: queue.Queue[Answer | Exception] = queue.Queue()

    def ask() -> None:
        try:
            came.put(_ask(host, project, config, token))
        except Exception as problem:
            came.put(problem)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = came.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise CeladonError(_("{host} gave no whole answer in time.").format(host=host), hint=_later(host)) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _ask(host: str, project: str, config: str, token: "SecretStr") -> Answer:
    import requests  # 80 ms that only a pull needs

    def bearer(request: "PreparedRequest") -> "PreparedRequest":
        request.headers["Authorization"] = f"Bearer {token.get_secret_value()}"  # not a header: ~/.netrc would win
        return request

    class Session(requests.Session):
        def get_redirect_target(self, resp: "Response") -> None:
            """None: `requests` would read, and unpack, the whole body of a redirect that nobody follows."""

    wanted = {"project": project, "config": config, "format": "json"}
    plain = {"Accept-Encoding": "identity"}  # a few bytes may unpack to gigabytes
    try:
        with Session() as session, session.get(
            f"{host}{PATH}", params=wanted, headers=plain, auth=bearer, timeout=SILENCE, stream=True,
            allow_redirects=False,
        ) as answer:  # fmt: skip
            text = _body(answer, host).decode()
    except requests.exceptions.SSLError:
        raise _Broken(_("The certificate of {host} is not trusted.").format(host=host)) from None
    except requests.exceptions.Timeout:
        raise _Broken(_("{host} keeps silent.").format(host=host)) from None
    except requests.exceptions.ConnectionError as problem:
        words = _("The connection to {host} broke before the answer was whole.")
        if "NewConnectionError" in repr(problem) or "NameResolutionError" in repr(problem):
            words = _("{host} cannot be reached.")
        raise _Broken(words.format(host=host)) from None
    except (requests.exceptions.RequestException, UnicodeDecodeError):
        raise _Broken(_("The connection to {host} broke before the answer was whole.").format(host=host)) from None
    return Answer(answer.status_code, text, _seconds(answer.headers))


def _body(answer: "Response", host: str) -> bytes:
    """The body, which is as short as an answer of Doppler's. Raises CeladonError for a longer or a packed one."""
    hint = _("Nothing was written. Check that {variable} is the address of the Doppler API.").format(variable=VARIABLE)
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise CeladonError(_("{host} sent a compressed response that was not requested.").format(host=host), hint=hint)
    body = bytearray()
    for chunk in answer.iter_content(1 << 16):
        body += chunk
        if len(body) > LIMIT:
            words = _("The response from {host} is larger than {size}.")
            raise CeladonError(words.format(host=host, size=numbers.size(LIMIT)), hint=hint)
    return bytes(body)


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Retry-After: seconds, or a date."""
    given = headers.get("Retry-After", "")
    if re.fullmatch("[0-9]{1,9}", given):
        return float(given)
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _words(answer: Answer, project: str, config: str) -> str:
    words = {
        401: _("Doppler does not know this token, or it was revoked."),
        403: _("The token may not read the config {config} of the project {project}."),
        404: _("Doppler has no config {config} in a project {project}, or the token may not see it."),
        429: _("Doppler was asked too often."),
    }.get(answer.status, _("Doppler answers with the status {status}."))
    return words.format(project=project, config=config, status=answer.status)


def _refused(answer: Answer, words: str, token: "SecretStr") -> CeladonError:
    hint = {
        401: _("Make a service token for this config (Doppler → project → config → Access) and set DOPPLER_TOKEN."),
        403: _("A service token is for one config: make one for this config, or name the one that it is for."),
        404: _("Look at project and config in x-celadon.secrets.doppler."),
    }.get(answer.status, _("Nothing was written."))
    return CeladonError(words, evidence=_messages(answer.text, token.get_secret_value()), hint=hint)


def _messages(text: str, token: str) -> list[str]:
    """What Doppler itself says of an error: {"messages": […], "success": false}."""
    try:
        told: Any = json.loads(text)["messages"][:3]
        return [str(one).replace(token, "…")[:SAID] for one in told]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
