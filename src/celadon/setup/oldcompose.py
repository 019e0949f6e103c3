"""A team's old compose file, read without Compose, so that ${…} stays: its services, and which of them are twins."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from celadon.config.positions import Positions, shown
from celadon.setup.scanning import Folder
from celadon.setup.twins import (
    DEVELOPMENT,
    EVERY,
    PRODUCTION,
    SPELLINGS,
    STAGING,
    Family,
    Old,
    Published,
    Twin,
    entries_of,
    split,
)

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^{}]*))?(?::?[?+][^{}]*)?\}|(\w+))")


def understand(raw: Positions, variables: Mapping[str, str], sources: Mapping[Path, Folder]) -> Old:
    """The services of a compose file as families. `variables` are those of the .env beside it."""
    written = raw.data.get("services")
    services = {str(n): _extended(written, d) for n, d in written.items()} if isinstance(written, dict) else {}
    groups: dict[str, list[Twin]] = {}
    for name, definition in services.items():
        base, environment = split(name)
        environment = environment or _of_profiles(definition) or EVERY
        ports = tuple(_ports(raw, name, definition, variables))
        place = raw.at(("services", name), key=True)
        groups.setdefault(base, []).append(
            Twin(name, environment, definition, shown(raw.file), place, raw.file.parent, ports)
        )
    families = tuple(_family(name, _ordered(twins), sources) for name, twins in groups.items())
    return Old(raw, raw.file.parent, families, variables, sources)


def _family(name: str, twins: tuple[Twin, ...], sources: Mapping[Path, Folder]) -> Family:
    source = sources.get(twins[0].context) if twins[0].context else None
    bases = re.findall(r"(?im)^FROM\s+(?:--\S+\s+)*(\S+)", source.texts.get("Dockerfile", "")) if source else []
    return Family(name, twins, bases[-1] if bases else "")


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """`text` as Compose would read it, from `variables` and defaults."""
    return _VARIABLE.sub(lambda m: variables.get(m[1] or m[3]) or m[2] or "", text)


def _extended(services: Mapping[str, Any], definition: Any) -> dict[str, Any]:
    """A service with what it `extends` in the same file."""
    own = dict(definition) if isinstance(definition, dict) else {}
    extends = own.get("extends")
    base = str(extends.get("service") if isinstance(extends, dict) else extends)
    if base not in services or (isinstance(extends, dict) and extends.get("file")) or services[base] is definition:
        return own
    del own["extends"]
    under = _extended({n: d for n, d in services.items() if d is not definition}, services[base])
    merged = {**under, **own}
    if under.get("environment"):
        merged["environment"] = {**entries_of(under), **entries_of(own)}
    for key in ("volumes", "env_file"):
        lists = [d[key] if isinstance(d[key], list) else [d[key]] for d in (under, own) if d.get(key)]
        if len(lists) > 1:
            both = [*lists[0], *lists[1]]
            merged[key] = [one for number, one in enumerate(both) if one not in both[number + 1 :]]
    return merged


def _of_profiles(definition: Mapping[str, Any]) -> str:
    found = {SPELLINGS[p] for p in map(str, definition.get("profiles") or ()) if p in SPELLINGS}
    return found.pop() if len(found) == 1 else EVERY


def _ordered(twins: Iterable[Twin]) -> tuple[Twin, ...]:
    """One for each environment, production first: what users have is what counts.

    One without a word beside twins is the environment that the others leave out.
    """
    found: dict[str, Twin] = {}
    for twin in twins:
        found.setdefault(twin.environment, twin)
    plain = found.pop(EVERY, None)
    if plain and not found:
        return (plain,)
    if plain:
        free = next(e for e in (PRODUCTION, STAGING, DEVELOPMENT, EVERY) if e not in found)
        found[free] = replace(plain, environment=free)
    return tuple(found[e] for e in (PRODUCTION, STAGING, DEVELOPMENT, EVERY) if e in found)


def _ports(raw: Positions, name: str, definition: Mapping[str, Any], variables: Mapping[str, str]
           ) -> Iterator[Published]:  # fmt: skip
    for number, port in enumerate(definition.get("ports") or ()):
        if isinstance(port, dict):
            parts = [str(port.get("host_ip") or ""), str(port.get("published") or 0), str(port.get("target"))]
        else:
            parts = ["", "0", *_filled(str(port), variables).partition("/")[0].rsplit(":", 2)]
        address, host, container = parts[-3:]
        if host.isdigit() and container.isdigit():
            place = raw.at(("services", name, "ports", number))
            yield Published(int(host), int(container), place, address if address.count(".") == 3 else "")
