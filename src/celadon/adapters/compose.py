"""Docker Compose: rendering the team's file, and bringing up services of an environment document.

Each command runs in its file's folder: Compose reads its schema only where it may enter the current one (after `su` it
may not).
"""

import json
import re
from collections.abc import Mapping, Sequence
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


def up(file: Path, project: str, services: Sequence[str], *, wait: bool = False, recreate: bool = False,
       force: bool = False, timeout: float = 600) -> None:  # fmt: skip
    """Create and start `services` of an environment document; running ones are left as they are.

    With `wait`, return when they are running or healthy; with `recreate`, those whose definition changed are made
    anew; with `force`, all. Raises CommandError.
    """
    argv = [*_compose(project, file), "up", "--detach", "--no-deps", "--no-build"]
    argv += ["--force-recreate"] if force else [] if recreate else ["--no-recreate"]
    if wait:
        argv += ["--wait", "--wait-timeout", str(int(timeout))]
    process.run([*argv, *services], cwd=file.parent, env=QUIET, timeout=timeout + 30, bound=True)


def run_once(file: Path, project: str, service: str, argv: Sequence[str], *, labels: Mapping[str, str],
             timeout: float, on_line: OnLine) -> None:  # fmt: skip
    """Run `argv` in a new container of `service` that is removed afterwards. Raises CommandError."""
    marks = [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
    command = [*_compose(project, file), "run", "--rm", "--no-deps", "-T", *marks, "--entrypoint", "", service, *argv]
    process.run(command, cwd=file.parent, env=QUIET, timeout=timeout, on_line=on_line, bound=True, keep=0)


def run_here(file: Path, project: str, service: str, argv: Sequence[str], *, name: str, terminal: bool) -> int:
    """As `run_once`, on this terminal, in a container called `name`; returns the command's code."""
    words = [*_compose(project, file), "--progress", "quiet", "run", "--rm", "--no-deps", "--name", name]
    words += [*([] if terminal else ["-T"]), "--entrypoint", "", service, *argv]
    return process.attach(words, env=QUIET)


def down(file: Path, project: str, *, volumes: bool) -> None:
    """Stop and remove the environment's containers and network, with `volumes` its data as well."""
    argv = [*_compose(project, file), "down", "--remove-orphans", *(["--volumes"] if volumes else [])]
    process.run(argv, cwd=file.parent, env=QUIET, timeout=900, bound=True)


def _compose(project: str, file: Path) -> list[str]:
    return [*engine.plugin("compose"), "--project-name", project, "--file", str(file)]
