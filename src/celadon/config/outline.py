"""Finding the file and reading its names: no Docker, no pydantic, so that looking and completion stay fast."""

import difflib
from pathlib import Path

from celadon.config.ownership import accepted, refuse_foreign
from celadon.config.positions import Positions, read
from celadon.config.values import NAME, bad_name, key_file
from celadon.config.workspace import Outline
from celadon.errors import ConfigError, Problem, UsageError
from celadon.locale import _

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def find_file(start: Path) -> Path:
    """The compose file in `start` or the nearest folder above it.

    Raises UsageError when there is none, RefusedError where another user of the host may have put it there.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        for name in NAMES:
            if (folder / name).is_file():
                for path in (folder, folder / name):
                    refuse_foreign(path, accepted(start))
                return folder / name
    raise UsageError(
        _("There is no compose.yaml in {folder} or above it.").format(folder=start.resolve()),
        hint=_("Go to your workspace, or name it: celadon -C FOLDER …; or make one: celadon init"),
    )


def load_outline(file: Path) -> Outline:
    """Names of the workspace, its environments and its services. Raises ConfigError."""
    raw = read(file)
    name, celadon, services = raw.data.get("name"), raw.data.get("x-celadon"), raw.data.get("services")
    problems: list[Problem] = []
    if not isinstance(name, str):
        problems.append(raw.problem(("name",), _("is missing: name the workspace, such as `name: workhub`")))
    elif "$" not in name and not NAME.fullmatch(name):  # a variable is put in by Compose, and looked at then
        problems.append(raw.problem(("name",), bad_name(name)))
    environments = celadon.get("environments") if isinstance(celadon, dict) else None
    if not isinstance(environments, dict) or not environments:
        problems.append(_no_environments(raw, celadon))
    known = environments if isinstance(environments, dict) else {}
    for one in known:  # files are named after them from here on
        if not NAME.fullmatch(str(one)):
            problems.append(raw.problem(("x-celadon", "environments", one), bad_name(one), key=True))
    key = _key(raw, celadon, problems)
    if problems:
        hint = _("Take over what it says: celadon import {file}").format(file=file.name)
        raise ConfigError(problems, hint=hint if celadon is None else "")
    every = services if isinstance(services, dict) else {}  # what else it may be, Compose refuses in words
    ours = [n for n, s in every.items() if isinstance(s, dict) and "x-celadon" in s]
    promoted = {str(n): str(o["from"]) for n, o in known.items() if isinstance(o, dict) and o.get("from")}
    return Outline(str(name), file.parent, file, tuple(map(str, known)), tuple(map(str, ours)), promoted, key)


def _no_environments(raw: Positions, celadon: object) -> Problem:
    near = difflib.get_close_matches("environments", map(str, celadon), 1) if isinstance(celadon, dict) else []
    if near and near[0] != "environments":
        words = _("unknown key; did you mean `{name}`?").format(name="environments")
        return raw.problem(("x-celadon", near[0]), words, key=True)
    words = _("is missing: name at least one environment, with `listen` and `url`")
    return raw.problem(("x-celadon", "environments"), words)


def _key(raw: Positions, celadon: object, problems: list[Problem]) -> str:
    """The file of the key that the workspace is encrypted with, "" without one."""
    encryption = celadon.get("encryption") if isinstance(celadon, dict) else None
    if encryption is None:
        return ""
    try:
        return key_file(encryption.get("key") if isinstance(encryption, dict) else None)
    except ValueError as problem:
        problems.append(raw.problem(("x-celadon", "encryption", "key"), str(problem)))
        return ""
