"""The reference is the manual: it loads, and it names every key there is."""

import types
from importlib.resources import files
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from celadon.adapters import compose
from celadon.config.load import load_environment
from celadon.config.model import ServiceOptions, WorkspaceOptions

REFERENCE = files("celadon.config").joinpath("reference.yaml").read_text()


def keys(model: type[BaseModel]) -> set[str]:
    """Every key that may be written below a model."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        found.add(field.alias or name)
        for inner in models(field.annotation):
            found |= keys(inner)
    return found


def models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (dict, tuple, Union, types.UnionType):
        return [model for argument in get_args(annotation) for model in models(argument)]
    return []


def test_the_reference_is_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(REFERENCE)
    for name in (
        "config/.env.production",
        "certs/shop.pem",
        "certs/shop.key",
        "router.conf.j2",
        "keys/allowed_signers",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "keys/gnupg").mkdir()
    config = load_environment(tmp_path / "compose.yaml", "production", compose.render)
    assert config.options.from_ == "staging" and list(config.backing) == ["db"]
    assert config.services["web"].options.release == ("npm", "run", "migrate")


def test_the_reference_names_every_key() -> None:
    assert sorted(k for k in keys(WorkspaceOptions) | keys(ServiceOptions) if f"{k}:" not in REFERENCE) == []


def test_defaults_in_the_reference_are_the_defaults() -> None:
    health = {"path": "/h"}
    service = ServiceOptions.model_validate({"health": health, "port": 1})
    assert service.health is not None
    assert (service.health.within, service.health.good, service.health.timeout) == (45, 3, 5)
    for line in ("within: 45s ", "good: 3 ", "timeout: 5s ", "keep: 2 ", "watch: 10s ", "drain: 30s ", "timeout: 30m "):
        assert line in REFERENCE
    least = {"environments": {"one": {"listen": [1], "url": "http://x"}}}
    top = WorkspaceOptions.model_validate(least)
    one = top.environments["one"]
    assert (top.keep, one.watch, one.drain, top.build.timeout, top.build.lock_timeout) == (2, 10, 30, 1800, 3600)
    assert f"image: {top.router.image} " in REFERENCE
