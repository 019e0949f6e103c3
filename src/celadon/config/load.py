"""Reading the file: Compose parses and interpolates it, this checks `x-celadon` as a whole and freezes the values."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from celadon.config import checks, complaints, policy_checks, shape
from celadon.config.interpolation import unescaped
from celadon.config.model import ServiceOptions, WorkspaceOptions
from celadon.config.positions import Loader, Positions, read, shown
from celadon.config.secret_files import Lookup, with_contents
from celadon.config.unreadable import explained
from celadon.config.workspace import EnvironmentConfig, Rendered, Service
from celadon.config.yaml_limits import NODES_OF_COMPOSE, refuse_excess
from celadon.errors import CommandError, ConfigError, Problem
from celadon.locale import _

# (file, project name, variables to add) -> what `docker compose config` says. Raises CommandError.
Render = Callable[[Path, str, Mapping[str, str]], Rendered]

# An address of `notify` -> what is wrong with it, in words that do not show it; None where it is good.
Judge = Callable[[str], str | None]

TEMPLATE_KEY = "x-celadon-router-template"  # in what is kept of a rendering


def load_environment(
    file: Path, environment: str, render: Render, judge: Judge | None = None, look_up: Lookup = lambda _names: {}
) -> EnvironmentConfig:
    """The workspace of `file`, rendered for `environment`.

    `judge` is asked about each address of `notify`, `look_up` for the values of variables that services get as files.

    Raises ConfigError with every problem of `x-celadon` at once, each with its place; Compose's own problems come
    first and alone, since nothing can be read behind them.
    """
    raw = read(file)
    text, warnings = rendered(raw, environment, render)
    text = with_contents(raw, text, look_up)
    config = _frozen(raw, environment, text, check_folders=True, judge=judge)
    return _with_template(replace(config, text=_without_secrets(text), warnings=warnings), raw)


def rendered(raw: Positions, environment: str, render: Render) -> Rendered:
    """What Compose makes of the file for `environment`. Raises ConfigError with the place that it complains of."""
    checks.name_first(raw)
    try:
        made = render(raw.file, f"{raw.data['name']}-{environment}", {"CELADON_ENV": environment})
        refuse_excess(made.text, Loader, NODES_OF_COMPOSE)
    except CommandError as error:
        raise ConfigError([complaints.of_compose(raw, error)]) from None
    except yaml.YAMLError as problem:  # of a file that this one includes or extends
        words = _("exceeds the limits with all the files that it includes: {problem}")
        words = words.format(problem=explained(problem, made.text.encode())[2])
        raise ConfigError([Problem(shown(raw.file), 0, 0, "", words)]) from None
    return made


def _without_secrets(text: str) -> str:
    """What is kept of a rendering: not where secrets come from, which may hold a token that nobody needs later."""
    if "secrets:" not in text:
        return text
    data = yaml.load(text, Loader)  # noqa: S506 (a safe loader)
    celadon = data["x-celadon"]
    found = [part.pop("secrets", None) for part in (celadon, *celadon["environments"].values())]
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True) if any(found) else text


def _with_template(config: EnvironmentConfig, raw: Positions) -> EnvironmentConfig:
    """The router's own template, if there is one, becomes a part of what is kept."""
    name = config.settings.router.template
    if not name:
        return config
    try:
        template = (config.folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        words = _("{file} cannot be read: {problem}").format(file=name, problem=problem)
        raise ConfigError([raw.problem(("x-celadon", "router", "template"), words)]) from None
    return replace(config, template=template, text=config.text + yaml.safe_dump({TEMPLATE_KEY: template}))


def refuse_wrong(text: str, workspace: str, file: Path, environment: str) -> None:
    """Raises ConfigError for what would be wrong with `text` if it were written to `file`; no folder is looked at."""
    data = {**yaml.load(text, Loader), "name": workspace}  # noqa: S506 (a safe loader)
    _frozen(Positions(file, data, None), environment, text)


def load_frozen(text: str, workspace: str, folder: Path, file: Path, environment: str) -> EnvironmentConfig:
    """The environment as `text`, an earlier rendering, has it: for rollbacks, whatever became of the file since.

    It ran: what a later Celadon has rules against is no reason to refuse it.
    """
    data = {**yaml.load(text, Loader), "name": workspace}  # noqa: S506 (a safe loader)
    config = replace(_frozen(Positions(file, data, None), environment, text, ran=True), folder=folder, file=file)
    if config.template is None:  # kept by an earlier Celadon, which read the template each time
        return _with_template(config, Positions(file, data, None))
    return config


def _frozen(
    raw: Positions, environment: str, text: str, *, check_folders: bool = False, ran: bool = False,
    judge: Judge | None = None,
) -> EnvironmentConfig:  # fmt: skip
    data = yaml.load(text, Loader)  # noqa: S506 (a safe loader)
    problems: list[Problem] = []
    top = _in_file_order(unescaped(data.get("x-celadon")), raw.data.get("x-celadon"))
    settings = shape.parse(WorkspaceOptions, top, raw, ("x-celadon",), problems, ran=ran)
    services: dict[str, Service] = {}
    backing: dict[str, Mapping[str, Any]] = {}
    named = {str(name): one for name, one in (data.get("services") or {}).items()}
    found = _in_file_order(named, raw.data.get("services"))
    for name, definition in found.items():
        if "x-celadon" not in definition:
            backing[name] = definition
            continue
        path = ("services", name, "x-celadon")
        options = shape.parse(ServiceOptions, unescaped(definition["x-celadon"]), raw, path, problems, ran=ran)
        if options:
            kept = {k: unescaped(v) if k == "build" else v for k, v in definition.items() if k != "x-celadon"}
            services[name] = Service(name, options, kept)
    if not ran:
        checks.services(raw, services, problems, folders=check_folders)
        if settings:
            checks.encryption(raw, settings, problems)
            checks.environments(raw, settings, problems, files=check_folders)
            checks.addresses(raw, settings, problems, judge)
            problems += policy_checks.problems(raw, settings, services) if check_folders else ()
        problems += checks.left_out(raw, found)
        if not services and not problems:
            problems.append(
                raw.problem(("services",), _("no service has `x-celadon`: there is nothing to deploy"), key=True)
            )
    if problems or settings is None:
        raise ConfigError(problems)
    return EnvironmentConfig(
        workspace=str(raw.data["name"]),
        name=environment,
        folder=raw.file.parent,
        file=raw.file,
        options=settings.environments[environment],
        settings=settings,
        services=services,
        backing=backing,
        volumes=data.get("volumes") or {},
        networks=data.get("networks") or {},
        secrets=data.get("secrets") or {},
        configs=data.get("configs") or {},
        text=text,
        template=data.get(TEMPLATE_KEY),
    )


def _in_file_order(rendered: Any, written: Any) -> Any:
    """Mappings in the order of the file: Compose sorts them, but a team's order has a meaning to the team."""
    if not isinstance(rendered, dict) or not isinstance(written, dict):
        return rendered
    order = [*(key for key in written if key in rendered), *(key for key in rendered if key not in written)]
    return {key: _in_file_order(rendered[key], written.get(key)) for key in order}
