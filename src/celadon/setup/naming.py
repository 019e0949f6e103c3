"""Names of services out of what folders and packages are called."""

import json
import re
import tomllib
from collections.abc import Iterator

from celadon.config.checks import RESERVED
from celadon.config.values import NAME
from celadon.setup.scanning import Folder

EVERYBODYS = ("app", "my-app", "myapp", "server", "web", "frontend", "backend", "api", "client", "package", "demo")


def names(folder: Folder, workspace: str) -> Iterator[str]:
    """Names that the service could have, the best first: its own, where it says something; the folder's; both."""
    own = named(_own(folder))
    here = folder.path.rpartition("/")[2] if folder.path != "." else workspace
    yield from filter(None, [own if own not in EVERYBODYS else "", named(here), named(f"{here}-{own}")])


def named(text: str) -> str:
    """`text` as a service's name, "" where nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "-", text.removeprefix("@").lower()).strip("-")[:40].strip("-")
    return name if NAME.fullmatch(name) and name not in RESERVED and not name.endswith(("-blue", "-green")) else ""


def _own(folder: Folder) -> str:
    """What package.json (less its @scope/), pyproject.toml or pom.xml call it."""
    try:
        if text := folder.texts.get("package.json"):
            return str(json.loads(text)["name"]).rpartition("/")[2]
        if text := folder.texts.get("pyproject.toml"):
            return str(tomllib.loads(text)["project"]["name"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    before, _parent, after = folder.texts.get("pom.xml", "").partition("<parent>")
    pom = (before + after.partition("</parent>")[2]).partition("<dependenc")[0]
    found = re.search(r"<artifactId>\s*([^<\s]+)", pom)
    return found[1] if found else ""
