"""The text of compose.yaml: written whole, or services added to one that is there, which otherwise stays as it is."""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from celadon.config.positions import Loader
from celadon.errors import UsageError
from celadon.locale import _
from celadon.setup.facts import EnvironmentSketch, ServiceSketch, WorkspaceSketch

WIDTH, NOTES_AT = 110, 40
HEAD = """\
# What the team runs. `docker compose up` works on this file, too; `x-celadon` says only what Compose cannot say: all
# its keys and defaults: celadon docs reference. CELADON_ENV is the environment while Celadon reads this file.
"""
NOTES = {
    "listen": "ports of the host; \"127.0.0.1:4400\" for one address",
    "url": "the public address",
    "from": "promote brings what it runs; nothing is built here",
    "keep": "releases to roll back to, besides the live one",
    "git": "the exact commits of this branch are built",
    "port": "where it listens in its container",
    "route": "the prefix that users ask",
    "health": "below the route; 2xx is good",
    "strip_prefix": "the service is asked without its prefix",
    "mem_limit": "a leak in it takes no more",
    "strategy": "replace: for what must never run twice",
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?[0-9.][0-9a-fA-FxXoO_.+-]*")
ROTATED = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def document(sketch: WorkspaceSketch) -> str:
    """The whole file."""
    top: dict[str, Any] = {"keep": 2, **sketch.celadon}
    lines = [HEAD + "\n".join(_block({"name": sketch.name})), "", "x-celadon:", "  environments:"]
    notes: Mapping[str, str] = NOTES
    for environment in sketch.environments:
        lines += [f"    {environment.name}:", *_block(_environment(environment), 6, notes)]
        notes = {"from": NOTES["from"]}
    lines += [*_block(top, 2, NOTES), "", "services:", *services(sketch.services)]
    for name, definition in sketch.backing.items():
        lines += ["  # No x-celadon: a backing service; it starts with the environment, deploys leave it alone.",
                  f"  {name}:", *_block(definition, 4)]  # fmt: skip
    rest = {**({"volumes": dict(sketch.volumes)} if sketch.volumes else {}), **sketch.compose}
    return "\n".join([*lines, *([""] if rest else []), *_block(rest)]) + "\n"


def services(sketches: Iterable[ServiceSketch], indent: int = 2) -> Iterator[str]:
    """The lines of services; what a key means is said in the first of them."""
    notes: Mapping[str, str] = NOTES
    for one in sketches:
        yield from (f"{' ' * indent}# {remark}" for remark in one.remarks)
        yield f"{' ' * indent}{one.name}:"
        yield from _block(_definition(one), indent + 2, notes)
        celadon = _celadon(one)
        yield " " * (indent + 2) + ("x-celadon:" if celadon else "x-celadon: {}")
        yield from _block(celadon, indent + 4, notes)
        notes = {}


def added(text: str, sketches: Sequence[ServiceSketch]) -> str:
    """The text of a compose file with services added behind those it has. Raises UsageError where it has no block."""
    if not sketches:
        return text
    root = yaml.compose(text, Loader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    block = next((value for key, value in pairs if key.value == "services"), None)
    if not isinstance(block, yaml.MappingNode) or block.flow_style or not block.value:
        raise UsageError(
            _("compose.yaml has no block of services that others could be added to."),
            hint=_("Write its services line by line, such as\n  services:\n    web:\n      build: ./web"),
        )
    lines = text.splitlines()
    indent, end = block.value[0][0].start_mark.column, min(block.end_mark.line, len(lines))
    if block.end_mark.column and end < len(lines):
        end += 1  # the file ends without a new line
    while not lines[end - 1].strip() or lines[end - 1].startswith("#"):
        end -= 1
    return "\n".join([*lines[:end], *services(sketches, indent), *lines[end:]]) + "\n"


def _environment(one: EnvironmentSketch) -> dict[str, Any]:
    said = _said({"listen": list(one.listen), "url": one.url, "from": one.from_, "tls": one.tls})
    return {**said, **one.options}


def _definition(one: ServiceSketch) -> dict[str, Any]:
    depends = one.depends_on if isinstance(one.depends_on, Mapping) else list(one.depends_on)
    said = _said({
        "build": one.build, "image": one.image, "env_file": list(one.env_files), "environment": one.environment,
        "volumes": list(one.volumes), "depends_on": depends, "mem_limit": one.mem_limit,
        "logging": ROTATED,
    })  # fmt: skip
    return {**said, **one.compose}


def _celadon(one: ServiceSketch) -> dict[str, Any]:
    git = _said({"url": one.git_url, "branch": one.git_branch})
    said = _said({
        "git": git, "port": one.port, "route": one.route, "host": one.host, "health": one.health,
        "strip_prefix": one.strip_prefix, "strategy": one.strategy,
    })  # fmt: skip
    return {**said, **one.celadon}


def _said(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value not in ("", None, False, [], {}, ())}


def _block(keys: Mapping[str, Any], indent: int = 0, notes: Mapping[str, str] | None = None) -> Iterator[str]:
    """A mapping key by key: what fits in a line stands in one, and the first line of a key may have a note."""
    for key, value in keys.items():
        ways = (_lines({key: value}, flow) for flow in (True, None, False))
        lines = next((found for found in ways if max(map(len, found)) <= WIDTH - indent), _lines({key: value}, False))
        first, *more = [" " * indent + line for line in lines]
        note = (notes or {}).get(key)
        yield f"{first.ljust(NOTES_AT)}  # {note}" if note else first
        yield from more


def _lines(entry: dict[str, Any], flow: bool | None) -> list[str]:
    text: str = yaml.dump(_Top(entry), Dumper=_Dumper, default_flow_style=flow, sort_keys=False, allow_unicode=True,
                          width=sys.maxsize)  # fmt: skip
    return text.rstrip("\n").split("\n")


class _Top(dict[str, Any]):
    """A mapping that never stands in one line with its braces."""


class _Dumper(yaml.SafeDumper):
    """YAML's own, without anchors: those that nobody wrote are hard to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    """What Compose would take for a number, though PyYAML does not (08 is 8 there), is put in quotation marks."""
    style = "'" if _NUMBER.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(
    _Top, lambda dumper, top: dumper.represent_mapping("tag:yaml.org,2002:map", top, flow_style=False)
)
