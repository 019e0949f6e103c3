"""Docker Compose: rendering the team's file, and bringing up services of an environment document.

Each command runs in its file's folder: Compose reads its schema only where it may enter the current one (after `su` it
may not).
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from celadon.adapters import engine, process
from celadon.adapters.output import OnLine
from celadon.config.positions import Loader
from celadon.config.workspace import Rendered

# Slots that are not in the document of the moment are no orphans: Celadon removes them itself, in its own order.
QUIET = {"COMPOSE_IGNORE_ORPHANS": "true", "COMPOSE_PROGRESS": "plain", "COMPOSE_ANSI": "never"}

_WARNING = re.compile(r'time="[^"]*" level=warning msg="(.*)"')


def render(file: Path, project: str, variables: Mapping[str, str], override: str = "") -> Rendered:
    """What `docker compose config` makes of `file`: parsed, interpolated, env files resolved; as YAML.

    `override` is the text of a Compose file that goes on top of it. YAML, since Compose's JSON drops `x-` of services.
    Raises CommandError with Compose's own words.
    """
    warnings: list[str] = []

    def line(text: str) -> None:
        if match := _WARNING.fullmatch(text):
            warnings.append(_unquoted(match[1]))

    argv = [*_compose(project, file), *(["--file", "-"] if override else []), "--project-directory", str(file.parent)]
    env = {**QUIET, **variables}
    done = process.run([*argv, "config"], cwd=file.parent, env=env, stdin=override or None, timeout=60, on_line=line)
    return Rendered(done.out, tuple(dict.fromkeys(warnings)))


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:  # Go quotes a little more than JSON does
        return text


def interpolated(document: Mapping[str, Any], folder: Path, variables: Mapping[str, str]) -> Mapping[str, Any]:
    """What Compose makes of a document that is not in a file, with the `.env` of `folder`. Raises CommandError."""
    argv = [*engine.plugin("compose"), "--file", "-", "--project-directory", str(folder), "config"]
    told = process.run(
        argv, cwd=folder, env={**QUIET, **variables}, stdin=json.dumps(document, default=str), timeout=60
    ).out
    made: Mapping[str, Any] = yaml.load(told, Loader)  # noqa: S506 (a safe loader)
    return made


def values_of(variables: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The values of variables (name → variable) in the shell or in the `.env` of `folder`; "" for what is not set.

    Raises CommandError.
    """
    asked = {name: f"${{{variable}:-}}" for name, variable in variables.items()}
    given = interpolated({"name": "celadon", "x-values": asked}, folder, {})["x-values"]
    return {name: str(value).replace("$$", "$") for name, value in given.items()}


def variables_of(file: Path) -> dict[str, str]:
    """What Compose reads in an env file; its folder should be empty but for it, or a `.env` there would have a say.

    Raises CommandError, whose words may hold values.
    """
    service = {"image": "none", "env_file": [str(file).replace("$", "$$")]}
    made = interpolated({"name": "celadon", "services": {"one": service}}, file.parent, {})
    given = made["services"]["one"].get("environment") or {}
    return {name: str(value).replace("$$", "$") for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Document:
    """An environment document: its file, and where that is encrypted its text, which Compose is then given instead."""

    file: Path
    text: str | None = field(default=None, repr=False)


def up(document: Document, project: str, services: Sequence[str], *, wait: bool = False, recreate: bool = False,
       force: bool = False, timeout: float = 600) -> None:  # fmt: skip
    """Create and start `services` of an environment document; running ones are left as they are.

    With `wait`, return when they are running or healthy; with `recreate`, those whose definition changed are made
    anew; with `force`, all. Raises CommandError.
    """
    argv = ["up", "--detach", "--no-deps", "--no-build"]
    argv += ["--force-recreate"] if force else [] if recreate else ["--no-recreate"]
    if wait:
        argv += ["--wait", "--wait-timeout", str(int(timeout))]
    with _given(project, document) as words:
        cwd = document.file.parent
        process.run([*words, *argv, *services], cwd=cwd, env=QUIET, timeout=timeout + 30, bound=True)


def run_once(document: Document, project: str, service: str, argv: Sequence[str], *, labels: Mapping[str, str],
             timeout: float, on_line: OnLine) -> None:  # fmt: skip
    """Run `argv` in a new container of `service` that is removed afterwards. Raises CommandError."""
    marks = [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
    command = ["run", "--rm", "--no-deps", "-T", *marks, "--entrypoint", "", service, *argv]
    with _given(project, document) as words:
        cwd = document.file.parent
        process.run([*words, *command], cwd=cwd, env=QUIET, timeout=timeout, on_line=on_line, bound=True, keep=0)


def run_here(document: Document, project: str, service: str, argv: Sequence[str], *, name: str, terminal: bool) -> int:
    """As `run_once`, on this terminal, in a container called `name`; returns the command's code."""
    command = ["--progress", "quiet", "run", "--rm", "--no-deps", "--name", name]
    command += [*([] if terminal else ["-T"]), "--entrypoint", "", service, *argv]
    with _given(project, document) as words:
        return process.attach([*words, *command], env=QUIET)


def down(document: Document, project: str, *, volumes: bool) -> None:
    """Stop and remove the environment's containers and network, with `volumes` its data as well."""
    argv = ["down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    with _given(project, document) as words:
        process.run([*words, *argv], cwd=document.file.parent, env=QUIET, timeout=900, bound=True)


@contextmanager
def _given(project: str, document: Document) -> Iterator[list[str]]:
    """The words of a Compose command on `document`. A text lies in memory only, and goes with this process.

    It has a path, unlike standard input, which a command on a terminal needs for itself.
    """
    if document.text is None:
        yield _compose(project, document.file)
        return
    with os.fdopen(os.memfd_create("compose.yaml"), "wb") as memory:
        memory.write(document.text.encode())
        memory.flush()
        words = _compose(project, Path(f"/proc/{os.getpid()}/fd/{memory.fileno()}"))
        yield [*words, "--project-directory", str(document.file.parent)]


def _compose(project: str, file: Path) -> list[str]:
    return [*engine.plugin("compose"), "--project-name", project, "--file", str(file)]
