"""The names and ports that services had, and have: what other services ask must still be answered."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from celadon.setup.twins import SPELLINGS, WORD, Family

Rename = Callable[[str, str], str]  # (variable, its value) → the value by the new names

_OF_HOSTS = re.compile(r"HOST|SERVER|ADDR|ENDPOINT|UPSTREAM|BROKER|NODES|PEER|UR[IL]", re.IGNORECASE)


def renaming(families: Sequence[Family], ports: Mapping[str, int | None]) -> Rename:
    """A function that puts the new names of services in a text for their old ones, where they are hosts.

    `hub-prod:4510` becomes `hub:4010` where 4510 was the twin's port, and 4010 is the service's. A word
    without a port may be something else: a user, a database, a driver, a program (`POSTGRES_USER: postgres`).
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
        return lambda _variable, text: text
    names = "|".join(map(re.escape, sorted(changed, key=len, reverse=True)))
    host = re.compile(
        rf"(?:(?<=//)|(?<=@)|(?<=,)|(?<==)|(?<=^)|(?<=[\"'])|(?<=\s))({names})(?::(\d+))?(?=$|[/,?\s\"'])"
    )

    def renamed(variable: str, match: re.Match[str]) -> str:
        if not match[2] and not _is_host(variable, match.string[: match.start()], match[1]):
            return match[0]
        name, moved = changed[match[1]]
        return f"{name}:{moved.get(match[2], match[2])}" if match[2] else name

    return lambda variable, text: host.sub(partial(renamed, variable), text)


def _is_host(variable: str, before: str, name: str) -> bool:
    """Whether a name without a port is a host: by what stands before it, by its own word, by its variable's name."""
    if before.endswith(("//", "@")) or before.lower().endswith("host="):
        return True
    if WORD.search(name) and name not in SPELLINGS:
        return True
    return not before.endswith("=") and bool(_OF_HOSTS.search(variable))
