"""Env files: made with a word on what belongs in them; in those that are there, only what is missing is added."""

import re
from collections.abc import Iterator
from pathlib import Path

from celadon.adapters.drafts import Draft, keys
from celadon.check.folders import text_of
from celadon.config.dotenv import quoted
from celadon.setup.facts import WorkspaceSketch

SHARED, LAPTOP = "common", "development"
_SAID = re.compile(r"[#\s]*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=")  # set, or as a comment


def drafts(folder: Path, sketch: WorkspaceSketch) -> tuple[Draft, ...]:
    """One of all environments, one for each, and one for laptops; nobody but their owner reads them."""
    names = dict.fromkeys([SHARED, *(one.name for one in sketch.environments), LAPTOP])
    return tuple(_draft(folder / "config" / f".env.{name}", name, sketch) for name in names)


def _draft(file: Path, name: str, sketch: WorkspaceSketch) -> Draft:
    before = text_of(file) if file.exists() else _head(name)
    lines = [] if name == SHARED else list(_wanted(file, before, sketch))
    given = sketch.variables.get(name, {})
    missing = {variable: value for variable, value in given.items() if variable not in keys(before)}
    lines += [f"{variable}={quoted(value) if value else ''}" for variable, value in missing.items()]
    text = before if not lines or before.endswith("\n") or not before else f"{before}\n"
    return Draft(file, text + "".join(f"{line}\n" for line in lines), 0o600, secret=True)


def _head(name: str) -> str:
    if name == SHARED:
        what = "What is the same in every environment. Files of one environment win over this one."
    elif name == LAPTOP:
        what = "For `docker compose up` on a laptop: what stands here is never on the server."
    else:
        what = f"Only {name}. Secrets belong here."
    return f"# {what}\n# One NAME=value a line. Mode 0600, and never in git.\n"


def _wanted(file: Path, before: str, sketch: WorkspaceSketch) -> Iterator[str]:
    """Names that services ask for, as comments to fill in, where neither this file nor the common one has them."""
    common = file.with_name(f".env.{SHARED}")
    texts = before + "\n" + (text_of(common) if common.exists() else "")
    known = {match[1] for line in texts.splitlines() if (match := _SAID.match(line))}
    known |= {*sketch.variables.get(SHARED, {}), *sketch.variables.get(file.name.removeprefix(".env."), {})}
    asking: tuple[str, ...] = ()
    for variable, services in sketch.wanted.items():
        if variable not in known:
            if services != asking:
                yield f"# Asked for by {', '.join(services)}:"
            asking = services
            yield f"# {variable}="
