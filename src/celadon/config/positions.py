"""Where in the file something stands: PyYAML's node marks by path, and the problems YAML itself has."""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from celadon.config.unreadable import MISFITS, explained
from celadon.config.yaml_limits import SIZE, ExcessiveYAML, refuse_excess
from celadon.errors import ConfigError, Problem
from celadon.locale import _, numbers

_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DIGITS = 4000
_BOOL, _DATE = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"


class Loader(_Safe):  # type: ignore[misc]
    """YAML as Compose reads it: `on` and `no` are words, as are dates; tags are for Compose to judge."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {
        first: [(tag, pattern) for tag, pattern in known if tag not in (_BOOL, _DATE)]
        for first, known in _Safe.yaml_implicit_resolvers.items()
    }


def _untagged(loader: Any, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value


Loader.add_implicit_resolver(_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF"))
Loader.add_constructor(None, _untagged)


def _number(loader: Any, node: yaml.ScalarNode) -> Any:
    """Text where it has more digits than Python turns into a number: Compose writes such a text without quotes."""
    return loader.construct_yaml_int(node) if len(node.value) <= DIGITS else node.value


Loader.add_constructor("tag:yaml.org,2002:int", _number)

# `=` and `<<` are texts like any other where they stand as values.
for _tag in ("value", "merge"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", yaml.constructor.SafeConstructor.construct_yaml_str)

Key = str | int


def shown(file: Path) -> str:
    """The file as an operator would type it: relative to the current folder where that is shorter."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


@dataclass(frozen=True)
class Place:
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Positions:
    """The raw file: its data, and the places of its keys and values."""

    file: Path
    data: Any
    root: yaml.Node | None

    def at(self, path: Sequence[Key], *, key: bool = False) -> Place:
        """The place of the value at `path` (of its key with `key`), or of the deepest part that the file has.

        Where a value stands for a list of one, or for a mapping in short, it is the place of that value.
        """
        node, mark = self.root, None
        for number, part in enumerate(path):
            if isinstance(part, int) and node is not None and not isinstance(node, yaml.SequenceNode):
                mark = mark if key else node.start_mark
                continue
            found = _child(node, part)
            if found is None:
                mark = node.start_mark if isinstance(node, yaml.ScalarNode) and node.value and not key else mark
                break
            name, node = found
            last = number == len(path) - 1
            mark = name.start_mark if name is not None and (key or not last) else node.start_mark
        return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)

    def problem(self, path: Sequence[Key], message: str, *, key: bool = False) -> Problem:
        place = self.at(path, key=key)
        dotted = ".".join(str(part) for part in path)
        return Problem(shown(self.file), place.line, place.column, dotted, message)

    def scalars(self, path: Sequence[Key]) -> Iterator[tuple[str, Place]]:
        """Every scalar at or below `path`, with its place."""
        node = self.root
        for part in path:
            found = _child(node, part)
            if found is None:
                return
            node = found[1]
        yield from _scalars(node)


def read(file: Path) -> Positions:
    """Parse the file. Raises ConfigError for what is not YAML, not a mapping, or has a key twice."""
    raw = b""
    try:
        raw = _bytes(file)
        text = raw.decode("utf-8")
        refuse_excess(text, Loader)
        root = yaml.compose(text, Loader)
        data = yaml.load(text, Loader)  # noqa: S506 (a safe loader)
    except OSError as problem:
        raise ConfigError([Problem(shown(file), 0, 0, "", problem.strerror or str(problem))]) from None
    except (yaml.YAMLError, *MISFITS, RecursionError) as problem:
        line, column, words = explained(problem, raw)
        pattern = (
            _("exceeds the limits for YAML: {problem}")
            if isinstance(problem, ExcessiveYAML)
            else _("is not YAML: {problem}")
        )
        words = pattern.format(problem=words)
        raise ConfigError([Problem(shown(file), line, column, "", words)]) from None
    if not isinstance(data, dict):
        raise ConfigError([Problem(shown(file), 1, 1, "", _("should be a mapping, as a compose file is"))])
    twice = list(_twice(root, (), shown(file), set()))
    if twice:
        raise ConfigError(twice)
    return Positions(file, data, root)


def _bytes(file: Path) -> bytes:
    """The whole file. Raises ExcessiveYAML for one that is longer than SIZE; OSError for what is no regular file."""
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise OSError(errno.EINVAL, _("is not a regular file"))
        raw = opened.read(SIZE + 1)
    if len(raw) > SIZE:
        raise ExcessiveYAML(_("it is larger than {size}").format(size=numbers.size(SIZE)))
    return raw


def _child(node: yaml.Node | None, part: Key) -> tuple[yaml.Node | None, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(part):
                return name, value
        for name, value in node.value:  # what an anchor merged in
            if name.tag == "tag:yaml.org,2002:merge":
                for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if found := _child(merged, part):
                        return found
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    return None


def _scalars(node: yaml.Node | None) -> Iterator[tuple[str, Place]]:
    if isinstance(node, yaml.ScalarNode):
        yield node.value, Place(node.start_mark.line + 1, node.start_mark.column + 1)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, yaml.MappingNode):
        for _name, value in node.value:
            yield from _scalars(value)


def _twice(node: yaml.Node | None, path: tuple[str, ...], file: str, seen: set[int]) -> Iterator[Problem]:
    if node is None or id(node) in seen:  # an alias leads back to its anchor
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _twice(item, (*path, str(number)), file, seen)
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for name, value in node.value:
            here = (*path, str(name.value))
            if name.value in names and name.tag != "tag:yaml.org,2002:merge":
                mark = name.start_mark
                yield Problem(file, mark.line + 1, mark.column + 1, ".".join(here), _("stands here a second time"))
            if isinstance(name.value, str):
                names.add(name.value)
            yield from _twice(value, here, file, seen)
