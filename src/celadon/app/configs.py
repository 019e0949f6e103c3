"""The configuration that a request needs: read from the workspace's file, or as it was last deployed."""

from celadon.adapters import compose
from celadon.app.request import Request
from celadon.app.workspace import Workspace
from celadon.config.load import load_environment, load_frozen
from celadon.config.workspace import EnvironmentConfig
from celadon.errors import UsageError
from celadon.locale import _

AS_IT_WAS = ("rollback", "down")  # verbs that must work whatever became of the file


def configs_of(workspace: Workspace, request: Request) -> tuple[EnvironmentConfig, ...]:
    """The environment's configuration, and for a promote that of its source. A rollback reads what was kept."""
    outline = workspace.outline
    name = outline.environment(request.environment)
    if request.verb in AS_IT_WAS:
        return (kept_config(workspace, name),)
    config = load_environment(outline.file, name, compose.render)
    if request.verb != "promote":
        return (config,)
    if not config.options.from_:
        raise UsageError(
            _("{environment} takes no releases from another environment.").format(environment=name),
            hint=_("Say where they come from: x-celadon.environments.{environment}.from").format(environment=name),
        )
    return config, load_environment(outline.file, config.options.from_, compose.render)


def kept_config(workspace: Workspace, environment: str) -> EnvironmentConfig:
    """The environment as it was last deployed, whatever became of the file and its env files since.

    Raises UsageError when nothing was ever deployed.
    """
    outline = workspace.outline
    file = workspace.layout.rendered(environment)
    if not file.exists():
        raise UsageError(
            _("Nothing was deployed to {environment} yet.").format(environment=environment),
            hint=f"celadon deploy {environment}",
        )
    return load_frozen(file.read_text(), outline.name, outline.folder, outline.file, environment)


def target_of_promote(workspace: Workspace, to: str | None) -> str:
    """The environment that `promote` means: the one named, or the only one that takes releases from another."""
    outline = workspace.outline
    if to is not None:
        return outline.environment(to)
    first = load_environment(outline.file, outline.environments[0], compose.render)
    taking = [name for name, options in first.settings.environments.items() if options.from_]
    if len(taking) == 1:
        return taking[0]
    raise UsageError(
        _("Say where to promote to: {names}.").format(names=", ".join(taking or outline.environments)),
        hint=_("celadon promote --to {environment}").format(environment=(taking or outline.environments)[-1]),
    )
