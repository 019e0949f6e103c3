"""Who is told of what: `notify` in `x-celadon`. Addresses hold tokens, so nothing here ever says one."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema

from celadon.locale import _

Event = Literal["started", "succeeded", "failed", "reverted", "disk_low"]
Listed = Annotated[tuple[Event, ...], Field(min_length=1)]  # as editors are told; what is empty has words of its own
USUAL: tuple[Event, ...] = ("succeeded", "failed", "reverted", "disk_low")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://")
_KEY = re.compile(r"\w{1,20}")  # what is longer may be an address that stands where a key should


def _address(value: object) -> object:
    if not isinstance(value, str):  # pydantic's own words would show it
        raise ValueError(_("should be an address such as ntfy://ntfy.sh/topic"))
    return value.strip()


def _events(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _not_empty(value: tuple[Event, ...]) -> tuple[Event, ...]:
    if not value:
        raise ValueError(_("should not be empty"))
    return value


class Notify(BaseModel):
    """One address of apprise, and the events that are sent to it. An empty address is one that was not set."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[SecretStr, BeforeValidator(_address), WithJsonSchema({"type": "string"})]
    on: Annotated[
        tuple[Event, ...],
        BeforeValidator(_events, json_schema_input_type=Event | Listed),
        AfterValidator(_not_empty),
    ] = USUAL

    @property
    def scheme(self) -> str:
        """The only part of the address that may be said; "" where it has none."""
        found = SCHEME.match(self.url.get_secret_value())
        return found[1].lower() if found else ""


def _entry(value: object) -> object:
    if isinstance(value, str):
        return {"url": value}
    if not isinstance(value, Mapping) or not all(_KEY.fullmatch(str(key)) for key in value):
        raise ValueError(_("should be an address such as ntfy://ntfy.sh/topic, or a mapping with `url` and `on`"))
    return value


def _entries(value: object) -> object:
    return [value] if isinstance(value, (str, Mapping)) else value


Entry = Annotated[Notify, BeforeValidator(_entry, json_schema_input_type=str | Notify)]
Notified = Annotated[
    tuple[Entry, ...], BeforeValidator(_entries, json_schema_input_type=str | Notify | tuple[str | Notify, ...])
]
