"""Where `celadon env pull` takes variables from: `secrets` in `x-celadon`, which may hold a token: never said here."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from celadon.config.fields import Patience
from celadon.locale import _

_KEY = re.compile(r"\w{1,20}")  # what is longer may be a token that stands where a key should
_TOKEN = re.compile(r"[\x21-\x7e]*")


def _text(value: object) -> object:
    if not isinstance(value, str):  # pydantic's own words would show it
        raise ValueError(_("should be text"))
    return value.strip()


def _word(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):  # `head -n 1`
        return str(value)
    if not isinstance(value, str):
        raise ValueError(_("should be text"))
    if "\0" in value:  # no process can be given it
        raise ValueError(_("should hold no NUL character"))
    return value


def _mapping(value: Any, example: str) -> Any:
    if not isinstance(value, Mapping) or not all(_KEY.fullmatch(str(key)) for key in value):
        raise ValueError(_("should be a mapping such as {example}").format(example=example))
    return value


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Word = Annotated[str, BeforeValidator(_word)]


class _Harmless(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Doppler(_Harmless):
    """A config of Doppler, by default the one that is named as the environment; the token is never told."""

    project: Text
    config: Text | None = None
    token: Annotated[SecretStr, BeforeValidator(_text)] = SecretStr("")
    token_file: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        return _mapping(value, "{project: shop}")

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError(_("should be a token such as dp.st.…, without white space (it is not shown)"))
        return value


class Secrets(_Harmless):
    """One source of variables, and the env file that they are written to; `timeout` is for all of it, in seconds."""

    doppler: Doppler | None = None
    command: tuple[Word, ...] | None = None
    file: Text | None = None
    timeout: Patience = 60.0

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        return _mapping(value, "{doppler: {project: shop}}")

    @field_validator("command", mode="before")
    @classmethod
    def _is_a_list(cls, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(_("should be a list of words, such as [sops, decrypt, secrets.yaml]: no shell reads it"))
        return value

    @model_validator(mode="after")
    def _is_one_source(self) -> "Secrets":
        if (self.doppler is None) == (self.command is None):
            raise ValueError(_("should have one of `doppler` and `command`"))
        return self
