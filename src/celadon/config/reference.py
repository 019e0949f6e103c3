"""The annotated reference, read: the comment and the written values of each key, for the schema and for `docs`."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from celadon.config.positions import Key, Loader

KeyPath = tuple[str, ...]
NAMES = {("x-celadon", "environments"): "ENV", ("services",): "SERVICE"}  # what stands for a team's own names


@dataclass(frozen=True)
class Entry:
    """What the reference says of a key: its comment, and the values that it is given there."""

    comment: str = ""
    written: tuple[Any, ...] = ()


def text() -> str:
    """The reference as it stands."""
    return files("celadon.config").joinpath("reference.yaml").read_text(encoding="utf-8")


def general(path: tuple[Key, ...] | KeyPath) -> KeyPath:
    """A path without what is a team's own: the names of environments and services, and places in lists."""
    words = [str(part) for part in path if not re.fullmatch(r"[0-9]+", str(part))]
    if words[:2] == ["x-celadon", "environments"] and len(words) > 2:
        words[2] = "*"
    if words[:1] == ["services"] and len(words) > 1:
        words[1] = "*"
    return tuple(words)


@functools.cache
def entries() -> Mapping[KeyPath, Entry]:
    """Every key of the reference, in its order."""
    source = text()
    comments = dict(_comments(source))
    found: dict[KeyPath, Entry] = {}
    for path, line, written in _nodes(yaml.compose(source, Loader), yaml.load(source, Loader), ()):  # noqa: S506
        before = found.get(path, Entry())
        said = comments.pop(line, "")  # a line's comment is of the first key in it
        values = (*before.written, *(value for value in written if value not in before.written))
        found[path] = Entry("\n".join(part for part in (before.comment, said) if part), values)
    return found


def said(path: KeyPath) -> Entry:
    """What is said of a key; what an environment may have instead of the top is said at the top."""
    found = entries()
    return found.get(path) or found.get((*path[:1], *path[3:])) or Entry()


def shown(path: KeyPath) -> str:
    """A key as it is named to people: x-celadon.environments.ENV.listen."""
    return ".".join(NAMES.get(path[:number], part) if part == "*" else part for number, part in enumerate(path))


def flow(value: Any) -> str:
    """A value as it is written in one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("...\n").strip()


def _nodes(node: yaml.Node | None, data: Any, path: KeyPath) -> Iterator[tuple[KeyPath, int, tuple[Any, ...]]]:
    """The path and line of each key and each entry of a list, with the value that is written for a key."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            here, inner = general((*path, name.value)), data[name.value]
            yield here, name.start_mark.line, () if inner is None or isinstance(inner, dict) else (inner,)
            yield from _nodes(value, inner, here)
    if isinstance(node, yaml.SequenceNode):
        for item, inner in zip(node.value, data, strict=True):
            if isinstance(item, yaml.ScalarNode):
                yield path, item.start_mark.line, ()
            yield from _nodes(item, inner, path)


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """The comment behind each line, with those below it that go on with it."""
    ends: dict[int, int] = {}  # line → the column where its last token ends
    for token in yaml.scan(source, Loader):
        if token.end_mark.index > token.start_mark.index:
            ends[token.end_mark.line] = token.end_mark.column
    lines = source.splitlines()
    for number, end in ends.items():
        words = [lines[number][end:].strip() if number < len(lines) else ""]
        if not words[0].startswith("#"):
            continue
        for line in lines[number + 1 :]:
            if not re.match(r"\s+#", line):
                break
            words.append(line.strip())
        yield number, " ".join(word.lstrip("# ") for word in words)
