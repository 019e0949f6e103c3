"""How much YAML may be: libyaml overflows its stack on what is nested deeply, and a few aliases name gigabytes."""

from typing import Any

import yaml

from celadon.locale import _

SIZE = 1 << 20  # bytes of a file that people write
DEPTH = 100
NODES = 100_000  # of such a file, its aliases written out
NODES_OF_COMPOSE = 500_000  # of what Compose makes of it, with all files that it includes


class ExcessiveYAML(yaml.MarkedYAMLError):
    """More than anybody writes by hand; `problem` says what, in the user's language."""

    def __init__(self, words: str, mark: Any = None) -> None:
        super().__init__(problem=words, problem_mark=mark)


def refuse_excess(text: str, loader: Any, nodes: int = NODES) -> None:
    """Raises ExcessiveYAML, with the place, before any of it is built; other YAMLErrors as the parser has them.

    Events come one after the other, however deeply they are nested, and the parser does not run ahead.
    """
    total, open_ = 0, list[tuple[str | None, int]]()
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.AliasEvent):
                if any(anchor == event.anchor for anchor, _before in open_):
                    raise ExcessiveYAML(_("an alias refers to an anchor that contains it"), event.start_mark)
                total += sizes.get(event.anchor or "", 1)
            else:
                total += 1
                if event.anchor:
                    sizes[event.anchor] = 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, total - 1))
            if len(open_) > DEPTH:
                raise ExcessiveYAML(_("it is nested more than {n} levels deep").format(n=DEPTH), event.start_mark)
            if total > nodes:
                words = _("it has more than {n} values, including those repeated by aliases")
                raise ExcessiveYAML(words.format(n=nodes), event.start_mark)
