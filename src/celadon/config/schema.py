"""The JSON Schema of the file, for editors: shapes from the model, words from the annotated reference.

`python -m celadon.config.schema` writes celadon.schema.json anew. Draft 7, as compose-spec's own schema is.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import models_json_schema

from celadon.config import reference
from celadon.config.model import ServiceOptions, WorkspaceOptions
from celadon.config.reference import KeyPath
from celadon.config.values import NAME

FILE = Path(__file__).with_name("celadon.schema.json")
COMPOSE = "https://raw.githubusercontent.com/compose-spec/compose-spec/main/schema/compose-spec.json"
INTERPOLATED = r"\$"  # Compose puts a variable in before anything is checked: such a text may stand anywhere
SERVICE: KeyPath = ("services", "*", "x-celadon")

Schema = dict[str, Any]


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and all that stand below it."""
    yield model
    for field in model.model_fields.values():
        for inner in _within(field.annotation):
            yield from _models(inner)


def _within(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _within(argument)


ROOTS = (WorkspaceOptions, ServiceOptions)
MODELS = {model.__name__: model for root in ROOTS for model in _models(root)}


def document() -> Schema:
    """The schema of a whole file: compose-spec's, with `x-celadon` at the top and in services."""
    roots = [(root, "validation") for root in ROOTS]
    definitions = models_json_schema(roots, ref_template="{model}")[1]["$defs"]  # type: ignore[arg-type]
    top = _model("WorkspaceOptions", ("x-celadon",), definitions)
    service = _model("ServiceOptions", SERVICE, definitions)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A compose file with x-celadon",
        "allOf": [{"$ref": COMPOSE}],
        "required": ["name", "x-celadon", "services"],
        "properties": {
            "name": {
                "description": reference.said(("name",)).comment,
                "type": "string",
                "pattern": f"^(?:{NAME.pattern})$",
            },
            "x-celadon": {"description": reference.said(("x-celadon",)).comment, **top},
            "services": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": {"x-celadon": {"description": reference.said(SERVICE).comment, **service}},
                },
            },
        },
    }


def text() -> str:
    """What celadon.schema.json holds."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _model(name: str, path: KeyPath, definitions: Mapping[str, Schema]) -> Schema:
    """The schema of a model that stands at `path`; no references, since draft 7 hides the words beside one."""
    made = {key: value for key, value in definitions[name].items() if key not in ("title", "description")}
    fields = {field.alias or key: field for key, field in MODELS[name].model_fields.items()}
    made["properties"] = {
        key: _property(shape, fields[key], (*path, key), definitions) for key, shape in made["properties"].items()
    }
    return made


def _property(shape: Schema, field: FieldInfo, path: KeyPath, definitions: Mapping[str, Schema]) -> Schema:
    said = reference.said(path)
    made = {"description": said.comment, **_shape(shape, path, definitions)}
    examples = [value for value in said.written if value != []]
    if examples:
        made["examples"] = examples
    if field.default is not None and not field.is_required() and not isinstance(field.default, BaseModel):
        alike = [value for value in said.written if _means(field, value)]
        made["default"] = alike[0] if alike else TypeAdapter(Any).dump_python(field.default, mode="json")
    return made


def _means(field: FieldInfo, written: Any) -> bool:
    """Whether what is written for a field means its default: `45s` is 45 seconds."""
    try:
        read = create_model("Read", value=(Any if field.annotation is None else field.annotation, field))(value=written)
    except ValidationError:
        return False
    return bool(read.model_dump()["value"] == field.default)


def _shape(shape: Schema, path: KeyPath, definitions: Mapping[str, Schema]) -> Schema:
    """A part of pydantic's schema as people write it: models in their places, no null, `${…}` for any value."""
    if name := shape.get("$ref"):
        return _model(name, path, definitions)
    made = {key: value for key, value in shape.items() if key not in ("title", "default")}
    if "anyOf" in made:
        ways = [_shape(way, path, definitions) for way in made.pop("anyOf") if way != {"type": "null"}]
        return {**made, **(ways[0] if len(ways) == 1 else {"anyOf": ways})}
    if "items" in made:
        made["items"] = _shape(made["items"], path, definitions)
    elif "additionalProperties" in made:
        made["additionalProperties"] = _shape(made["additionalProperties"], (*path, "*"), definitions)
    elif "enum" in made:
        made = {"anyOf": [made, {"type": "string", "pattern": INTERPOLATED}]}
    elif made["type"] in ("integer", "number", "boolean"):
        made.update(type=[made["type"], "string"], pattern=INTERPOLATED)
    elif "pattern" in made:
        made["pattern"] += f"|{INTERPOLATED}"
    return made


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
