"""The names and ports that services had, and have: what other services ask must still be answered."""

import re
from collections.abc import Callable, Mapping, Sequence

from celadon.setup.twins import Family


def renaming(families: Sequence[Family], ports: Mapping[str, int | None]) -> Callable[[str], str]:
    """A function that puts the new names of services in a text for their old ones, where they are hosts.

    `hub-prod:4510` becomes `hub:4010` where 4510 was the twin's port, and 4010 is the service's.
    """
    changed: dict[str, tuple[str, dict[str, int]]] = {}
    for family in families:
        port = ports.get(family.name)
        for twin in family.twins:
            inside = {str(p.container) for p in twin.ports} | {str(twin.environment_entries.get("PORT"))}
            moved = {old: port for old in inside if port and old.isdigit() and old != str(port)}
            for name in twin.called:
                if name != family.name or moved:
                    changed[name] = (family.name, moved)
    if not changed:
        return lambda text: text
    names = "|".join(map(re.escape, sorted(changed, key=len, reverse=True)))
    host = re.compile(rf"(?:(?<=//)|(?<=@)|(?<=,)|(?<=^)|(?<=[\"'])|(?<=\s))({names})(?::(\d+))?(?=$|[/,?\s\"'])")

    def renamed(match: re.Match[str]) -> str:
        name, moved = changed[match[1]]
        return f"{name}:{moved.get(match[2], match[2])}" if match[2] else name

    return lambda text: host.sub(renamed, text)
