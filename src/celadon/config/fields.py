"""The types of the fields of `x-celadon`: how each is written, what it becomes, and what editors are told of it."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from celadon.config import values
from celadon.config.values import Listen, Said
from celadon.locale import _

LEAST = 64 << 20  # bytes: no build gets far with less


def in_editors(kinds: str | list[str], pattern: str, **more: object) -> WithJsonSchema:
    """What editors are told of a value that is written in a way of its own: how its text may look."""
    return WithJsonSchema({"type": kinds, "pattern": f"^(?:{pattern})$", **more})


Seconds = Annotated[
    float,
    BeforeValidator(values.duration),
    in_editors(["string", "number"], rf"(?=.)(?:{values.DURATION.pattern})|[0-9]+(?:\.[0-9]+)?", minimum=0),
]
Bytes = Annotated[
    int,
    BeforeValidator(values.size_or_auto),
    in_editors(["string", "integer"], f"auto|{values.SIZE.pattern}", minimum=0),
]
Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(values.whole)]
Listening = Annotated[
    Listen,
    BeforeValidator(values.listen),
    in_editors(["integer", "string"], r"(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}:)?[0-9]{1,5}", minimum=1, maximum=65535),
]


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError(_("should be more than 0"))
    return value


Patience = Annotated[Seconds, AfterValidator(_not_zero)]  # who waits for no time at all never gets an answer


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError(_("should not be empty"))
    return value


Text = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"minLength": 1})]


def _not_empty(value: tuple[Listen, ...]) -> tuple[Listen, ...]:
    if not value:  # not min_length: pydantic would count a wrong entry as none, and hide what is wrong with it
        raise ValueError(_("should not be empty"))
    return value


Doors = Annotated[tuple[Listening, ...], AfterValidator(_not_empty), Field(json_schema_extra={"minItems": 1})]


def _matches(pattern: re.Pattern[str], message: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(message.format(value=Said(value)))
        return value

    return AfterValidator(check)


def _host(value: str) -> str:
    if values.HOST.fullmatch(value):
        return value
    words = _("should be a host name such as shop.example.com, not {value!r}").format(value=Said(value))
    if near := values.ascii_host(value):
        words = _("{words}; did you mean {near}?").format(words=words, near=near)
    raise ValueError(words)


def _countable(value: str) -> str:
    values.size(value)  # raises ValueError for more than nginx can count
    return value


def _size_text(value: object) -> object:
    if value == 0 and not isinstance(value, bool):
        return "0"
    if not isinstance(value, str):
        raise ValueError(_("should be a size such as 50m, not {value!r}").format(value=Said(value)))
    return value


NginxSize = Annotated[
    str,
    BeforeValidator(_size_text),
    _matches(values.NGINX_SIZE, _("should be a size such as 50m, not {value!r}")),
    AfterValidator(_countable),
    in_editors(["string", "integer"], values.NGINX_SIZE.pattern, maximum=0),
]


def _no_dot_segments(value: str) -> str:
    if {".", ".."} & {*value.split("/")}:
        raise ValueError(_("should not contain `.` or `..` segments: both are resolved before a route is matched"))
    return value


Route = Annotated[
    str,
    AfterValidator(_no_dot_segments),
    _matches(values.ROUTE, _("should begin with / and not end with it, such as /shop or /, not {value!r}")),
    in_editors("string", values.ROUTE.pattern),
]
Path = Annotated[
    str,
    _matches(values.PATH, _("should be a path such as /api/health, not {value!r}")),
    in_editors("string", values.PATH.pattern),
]
KeyFile = Annotated[str, AfterValidator(values.key_file), in_editors("string", values.KEY_FILE.pattern)]
Host = Annotated[
    str,
    AfterValidator(_host),
    in_editors("string", values.HOST.pattern),
]
BuilderName = Annotated[
    str,
    _matches(values.BUILDER, _("should be the name of a builder, as `docker buildx ls` shows it, not {value!r}")),
    in_editors("string", values.BUILDER.pattern),
]
CacheGroup = Annotated[
    str,
    _matches(values.NAME, _("should be a name such as frontend (lower-case letters, digits and -), not {value!r}")),
    in_editors("string", values.NAME.pattern),
]


GroupName = Annotated[
    str,
    _matches(values.GROUP, _("should be the name of a Unix group, not {value!r}")),
    in_editors("string", values.GROUP.pattern),
]


def _network(value: str) -> str:
    words = _("should be a network such as 10.0.0.0/8, not {value!r}").format(value=Said(value))
    if "%" in value:  # a zone may be any text
        raise ValueError(words)
    try:
        near = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(words) from None
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(_("{words}; did you mean {near}?").format(words=words, near=near)) from None


Network = Annotated[str, AfterValidator(_network)]


def _not_a_slip(value: int) -> int:
    if 0 < value < LEAST:
        raise ValueError(_("should be at least 64m: a number without a unit is bytes"))
    return value


Memory = Annotated[Bytes, AfterValidator(_not_a_slip)]
