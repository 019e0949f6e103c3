"""From pydantic's errors to problems with a place and plain words."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from celadon.config import reference
from celadon.config.model import RAN
from celadon.config.positions import Key, Positions
from celadon.config.values import Said
from celadon.config.workspace import nearest
from celadon.errors import Problem
from celadon.locale import _

Model = TypeVar("Model", bound=BaseModel)


def parse(
    model: type[Model], value: Any, raw: Positions, path: tuple[Key, ...], problems: list[Problem], *,
    ran: bool = False,
) -> Model | None:  # fmt: skip
    """`value` as `model`; what is wrong with it is added to `problems`, and None returned. `ran`: see `Options`."""
    try:
        return model.model_validate(value, context=RAN if ran else None)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problems.append(_problem(model, detail, raw, path))
        return None


def _problem(model: type[BaseModel], detail: ErrorDetails, raw: Positions, path: tuple[Key, ...]) -> Problem:
    where: tuple[Key, ...] = (*path, *detail["loc"])
    if detail["type"] == "extra_forbidden":
        return raw.problem(where, _unknown(where, _keys(model, detail["loc"][:-1])), key=True)
    if detail["type"] == "missing":
        return raw.problem(where, _missing(where), key=True)
    if detail["type"] in ("tuple_type", "list_type"):
        return raw.problem(where, _no_list(where, Said(detail["input"])))
    return raw.problem(where, _words(detail))


def _unknown(where: tuple[Key, ...], known: list[str]) -> str:
    """What was probably meant: a key in other letters or cut short, else one that stands somewhere else."""
    *here, key = reference.general(where)
    if near := nearest(key, known):
        return _("unknown key; did you mean `{name}`?").format(name=near)
    places = [path[:-1] for path in reference.entries() if path[-1] == key]
    if not places:
        return _("unknown key; known here: {names}").format(names=", ".join(sorted(known)))
    closest = max(_shared(place, here) for place in places)
    near_by = [f"`{reference.shown(place)}`" for place in places if _shared(place, here) == closest]
    return _("unknown key here; it belongs to {places}").format(places=_(" or ").join(near_by))


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts two paths have in common, from the top."""
    return len([*takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))])


def _no_list(where: tuple[Key, ...], value: Said) -> str:
    written = reference.said(reference.general(where)).written
    examples = [one for one in written if isinstance(one, list) and not any(isinstance(part, dict) for part in one)]
    if not examples:
        return _("should be a list, not {value!r}").format(value=value)
    words = _("should be a list such as {example}, not {value!r}")
    return words.format(example=reference.flow(examples[0]), value=value)


def _missing(where: tuple[Key, ...]) -> str:
    written = reference.said(reference.general(where)).written
    if not written:
        return _("is missing")
    return _("is missing: such as `{example}`").format(example=f"{where[-1]}: {reference.flow(written[0])}")


def _words(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], Said(detail["input"]), detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in ("int_parsing", "int_type", "int_from_float"):
        return _("should be a whole number, not {value!r}").format(value=value)
    if kind in ("float_parsing", "float_type", "finite_number"):
        return _("should be a number, not {value!r}").format(value=value)
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context.get("ge", context.get("le"))
        least = kind == "greater_than_equal"
        words = _("should be at least {bound}, not {value}") if least else _("should be at most {bound}, not {value}")
        return words.format(bound=bound, value=value)
    if kind in ("bool_parsing", "bool_type"):
        return _("should be true or false, not {value!r}").format(value=value)
    if kind == "string_type":
        return _("should be text, not {value!r}").format(value=value)
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return _("should be a mapping (`key: value` lines), not {value!r}").format(value=value)
    if kind == "literal_error":
        expected = context["expected"].replace(" or ", _(" or "))
        return _("should be {expected}, not {value!r}").format(expected=expected, value=value)
    if kind == "too_short":
        return _("should not be empty")
    return detail["msg"]


def _keys(model: type[BaseModel], loc: Sequence[Key]) -> list[str]:
    """The keys that may stand at `loc` below `model`."""
    current: Any = model
    for part in loc:
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            continue
        by_name = {field.alias or name: field.annotation for name, field in current.model_fields.items()}
        if part in by_name:
            current = _inner(by_name[str(part)])
    if isinstance(current, type) and issubclass(current, BaseModel):
        return [field.alias or name for name, field in current.model_fields.items()]
    return []


def _inner(annotation: Any) -> Any:
    """The model inside `Model | None`, `dict[str, Model]` or `tuple[Model, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_inner(argument) for argument in get_args(annotation))
    return next((one for one in found if one is not None), None)
