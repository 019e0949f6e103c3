"""The configuration that a request needs: read from the workspace's file, or as it was last deployed."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from celadon.adapters import compose, docker, notify
from celadon.app.request import Request
from celadon.app.workspace import Workspace
from celadon.check.look import unsafe_env_files
from celadon.config import positions
from celadon.config.load import load_environment
from celadon.config.workspace import EnvironmentConfig, Outline
from celadon.errors import CommandError, ConfigError, Problem, UsageError
from celadon.locale import _
from celadon.run import rendering

AS_IT_WAS = ("rollback", "drill", "down")  # verbs that must work whatever became of the file


def configs_of(workspace: Workspace, request: Request) -> tuple[EnvironmentConfig, ...]:
    """The environment's configuration, and for a promote that of its source: as it was when staging tested it.

    A rollback reads what was kept.
    """
    outline = workspace.outline
    name = outline.environment(request.environment)
    if request.verb in AS_IT_WAS:
        return (kept_config(workspace, name),)
    if request.verb != "promote":
        return (read(outline, name),)
    source = _source_of(outline, name)
    return read(outline, name), _kept(workspace, source) or read(outline, source)


def read(outline: Outline, environment: str, override: str = "") -> EnvironmentConfig:
    """An environment as the workspace's file has it now; `override` is a Compose file's text that goes on top of it.

    Raises ConfigError; EngineError where Compose is missing.
    """
    if not override:  # else the caller has looked
        _refuse_unsafe(outline, environment)
    try:
        render = partial(compose.render, override=override)
        look_up = partial(compose.values_of, folder=outline.folder)
        return load_environment(outline.file, environment, render, notify.problem_of, look_up)
    except ConfigError:
        docker.require_compose()  # where it is missing, the file is not to blame
        raise


def _refuse_unsafe(outline: Outline, environment: str) -> None:
    """Raises ConfigError where an env file is a link out of its checkout, or no file: Compose would follow it."""
    unsafe = unsafe_env_files(positions.read(outline.file), environment)
    if unsafe:
        raise ConfigError([Problem(one.file, 0, 0, "", _("the env file {reason}").format(reason=one.reason))
                           for one in unsafe])  # fmt: skip


def interpolated(document: Mapping[str, Any], folder: Path, variables: Mapping[str, str]) -> Mapping[str, Any]:
    """As `compose.interpolated`. Raises CommandError; EngineError where Compose is missing."""
    try:
        return compose.interpolated(document, folder, variables)
    except CommandError:
        docker.require_compose()
        raise


def _source_of(outline: Outline, environment: str) -> str:
    if environment not in outline.promoted:
        raise UsageError(
            _("{environment} takes no releases from another environment.").format(environment=environment),
            hint=_("Say where they come from: x-celadon.environments.{environment}.from").format(
                environment=environment
            ),
        )
    source = outline.promoted[environment]
    if source in outline.environments:
        return source
    # Not as it stands there: a variable, which Compose puts in, or a mistake, which it finds.
    return str(read(outline, environment).options.from_)


def kept_config(workspace: Workspace, environment: str) -> EnvironmentConfig:
    """The environment as it was last deployed, whatever became of the file and its env files since.

    Raises UsageError when nothing was ever deployed.
    """
    config = standing(workspace, environment)
    if config is None:
        source = workspace.outline.promoted.get(environment)
        raise UsageError(
            _("Nothing was deployed to {environment} yet.").format(environment=environment),
            hint=f"celadon promote --to {environment}" if source else f"celadon deploy {environment}",
        )
    return config


def standing(workspace: Workspace, environment: str) -> EnvironmentConfig | None:
    """What an environment runs with: what was kept, or where that was lost, the file; None before anything ran there.

    Raises ConfigError.
    """
    config = _kept(workspace, environment)
    if config is None and any(name == environment for name, _service in workspace.record.live()):
        return read(workspace.outline, environment)
    return config


def kept_or_read(workspace: Workspace, environment: str) -> EnvironmentConfig:
    """The environment as it was last deployed, or where it never was, as the file has it. Raises ConfigError."""
    return _kept(workspace, environment) or read(workspace.outline, environment)


def _kept(workspace: Workspace, environment: str) -> EnvironmentConfig | None:
    outline = workspace.outline
    return rendering.kept(workspace.record, workspace.layout, outline.name, environment, outline.file)


def target_of_promote(workspace: Workspace, to: str | None) -> str:
    """The environment that `promote` means: the one named, or the only one that takes releases from another."""
    outline = workspace.outline
    if to is not None:
        return outline.environment(to)
    if len(outline.promoted) == 1:
        return next(iter(outline.promoted))
    names = tuple(outline.promoted) or outline.environments
    raise UsageError(
        _("Say where to promote to: {names}.").format(names=", ".join(names)),
        hint=_("celadon promote --to {environment}").format(environment=names[-1]),
    )
