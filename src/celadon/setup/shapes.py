"""Whether a compose file has the shape that Compose would ask for: what is read without Compose must not be guessed."""

from collections.abc import Iterator, Mapping
from typing import Any

from celadon.config.positions import Key, Positions
from celadon.errors import ConfigError, Problem
from celadon.locale import _

TEXT, LIST, MAPPING = (str, int, float), (list,), (dict,)

# Keys that are read, and what they may be; an empty one is as good as none.
SERVICE: Mapping[str, tuple[type, ...]] = {
    "build": (str, dict), "image": (str,), "container_name": (str,), "hostname": (str,), "extends": (str, dict),
    "environment": LIST + MAPPING, "env_file": (str, list), "ports": LIST, "expose": LIST, "volumes": LIST,
    "profiles": LIST, "depends_on": LIST + MAPPING, "networks": LIST + MAPPING, "healthcheck": MAPPING,
    "deploy": MAPPING,
}  # fmt: skip
ENTRIES: Mapping[str, tuple[type, ...]] = {
    "environment": TEXT, "env_file": (str, dict), "ports": (str, int, float, dict), "expose": TEXT,
    "volumes": (str, dict), "profiles": TEXT, "depends_on": (str,), "networks": (str,),
}  # fmt: skip
WORDS = {list: _("a list"), dict: _("a mapping (`key: value` lines)"), str: _("text"), int: _("a number")}


def check(raw: Positions) -> None:
    """Raises ConfigError with everything that has another shape, by its place."""
    problems = list(_problems(raw))
    if problems:
        raise ConfigError(problems)


def _problems(raw: Positions) -> Iterator[Problem]:
    services = raw.data.get("services")
    if not isinstance(services, dict) or not services:
        yield raw.problem(("services",), _("should be a mapping of services"), key=True)
        return
    for section in ("volumes", "networks", "secrets", "configs"):
        yield from _of(raw, (section,), raw.data.get(section), MAPPING)
        for name, options in (raw.data.get(section) or {}).items() if isinstance(raw.data.get(section), dict) else ():
            yield from _of(raw, (section, name), options, MAPPING)
    for name, service in services.items():
        here: tuple[Key, ...] = ("services", str(name))
        if not isinstance(service, dict):
            yield raw.problem(here, _("should be {expected}").format(expected=WORDS[dict]))
            continue
        for key, kinds in SERVICE.items():
            value = service.get(key)
            yield from _of(raw, (*here, key), value, kinds)
            for number, entry in enumerate(value if isinstance(value, list) else ()):
                yield from _of(raw, (*here, key, number), entry, ENTRIES.get(key, TEXT), empty=False)


def _of(raw: Positions, path: tuple[Key, ...], value: Any, kinds: tuple[type, ...], *, empty: bool = True
        ) -> Iterator[Problem]:  # fmt: skip
    if isinstance(value, kinds) or (value is None and empty):
        return
    expected = _(" or ").join(WORDS[kind] for kind in kinds if kind in WORDS)
    yield raw.problem(path, _("should be {expected}").format(expected=expected))
