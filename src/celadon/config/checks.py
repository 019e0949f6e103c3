"""Rules between the parts of the file, which no single value can break alone."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from celadon.config.model import WorkspaceOptions
from celadon.config.notify import Notify
from celadon.config.positions import Positions
from celadon.config.values import NAME, Listen, bad_name
from celadon.config.workspace import Service
from celadon.errors import ConfigError, Problem
from celadon.locale import _

RESERVED = ("router",)

# Compose keys that cannot be true of two containers at once, and why.
NOT_TWICE = {
    "container_name": _("two slots run side by side and cannot share a name; remove it"),
    "network_mode": _("a slot needs an address of its own on the environment's network; remove it"),
    "links": _("services reach each other by name without it; remove it"),
    "volumes_from": _("a slot comes and goes; share a named volume instead"),
}


def name_first(raw: Positions) -> None:
    """The workspace's name becomes the name of everything on the engine: without a good one nothing goes on."""
    name = raw.data.get("name")
    if name is None:
        words = _("is missing: name the workspace, such as `name: {folder}`").format(
            folder=raw.file.parent.name.lower()
        )
        raise ConfigError([raw.problem(("name",), words)])
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError([raw.problem(("name",), bad_name(name))])


def encryption(raw: Positions, settings: WorkspaceOptions, problems: list[Problem]) -> None:
    """The key stands in the file itself: verbs that look read it there, without Compose and what it includes."""
    written: Any = raw.data
    for part in ("x-celadon", "encryption", "key"):
        written = written.get(part) if isinstance(written, dict) else None
    if settings.encryption and written != settings.encryption.key:
        words = _("should stand in {file} itself, not in a file that it includes").format(file=raw.file.name)
        problems.append(raw.problem(("x-celadon", "encryption"), words))


def services(raw: Positions, found: Mapping[str, Service], problems: list[Problem], *, folders: bool) -> None:
    """Rules of each service with `x-celadon`, and between them."""
    routes: dict[tuple[str | None, str], str] = {}
    for service in found.values():
        _one_service(raw, service, problems)
        if folders:
            _source(raw, service, problems)
        if service.options.route is None:
            continue
        key = (service.options.host, service.options.route)
        if key in routes:
            words = _("{route} is the route of `{other}` already").format(route=key[1], other=routes[key])
            problems.append(raw.problem(("services", service.name, "x-celadon", "route"), words))
        routes.setdefault(key, service.name)


def _one_service(raw: Positions, service: Service, problems: list[Problem]) -> None:
    here, options = ("services", service.name), service.options

    def say(message: str, *path: str, key: bool = False) -> None:
        problems.append(raw.problem((*here, *path), message, key=key))

    if not NAME.fullmatch(service.name):
        say(bad_name(service.name), key=True)
    if service.name in RESERVED or service.name.endswith(("-blue", "-green")):
        say(_("is a name that Celadon uses itself; choose another"), key=True)
    if options.route and options.port is None:
        say(_("is missing: a route needs the port that the service listens on"), "x-celadon", "port", key=True)
    if options.route and options.health is None:
        words = _("is missing: a routed service needs a health path, or nothing can tell when it is ready")
        say(words, "x-celadon", "health", key=True)
    if options.health and options.port is None:
        say(_("needs `port`: the port that the service listens on"), "x-celadon", "health")
    if options.route and options.strategy == "replace":
        say(_("`replace` stops the old one first, so it is only for services without a route"), "x-celadon", "strategy")
    if options.route is None:
        for key in ("host", "strip_prefix"):
            if getattr(options, key):
                say(_("means nothing without `route`"), "x-celadon", key)
    for key, why in NOT_TWICE.items():
        if service.definition.get(key):
            say(why, key)
    scale, deploy = service.definition.get("scale"), service.definition.get("deploy") or {}
    for path, number in ((("scale",), scale), (("deploy", "replicas"), deploy.get("replicas") if scale is None else 1)):
        if number not in (None, 1):
            say(_("Celadon runs one container in a slot; remove the number"), *path)


def left_out(raw: Positions, rendered: Mapping[str, Any]) -> Iterator[Problem]:
    """Services that Compose left out, although Celadon should deploy them: a profile that is not active."""
    written = raw.data.get("services")
    for name, definition in written.items() if isinstance(written, dict) else ():
        if str(name) not in rendered and isinstance(definition, dict) and "x-celadon" in definition:
            words = _("Compose leaves the service out, since none of its profiles is active; remove `profiles`")
            yield raw.problem(("services", str(name), "profiles"), words)


def _source(raw: Positions, service: Service, problems: list[Problem]) -> None:
    here = ("services", service.name)
    build = service.definition.get("build")
    if build is None:
        if not service.definition.get("image"):
            problems.append(raw.problem(here, _("needs `build` or `image`"), key=True))
        return
    if not build.get("context"):
        problems.append(raw.problem((*here, "build"), _("needs the folder of the source, such as `build: ./web`")))
        return
    context = Path(str(build["context"]))
    git = service.options.git
    if not there(context.is_dir) and (git is None or git.url is None):
        words = _("there is no folder {folder}; clone the repository there, or name it in x-celadon.git.url").format(
            folder=context
        )
        problems.append(raw.problem((*here, "build"), words))


def there(look: Callable[[], bool]) -> bool:
    """Whether a look at the disk finds something; a name that no file can have is not there either."""
    try:
        return look()
    except OSError:
        return False


def environments(raw: Positions, settings: WorkspaceOptions, problems: list[Problem], *, files: bool) -> None:
    """Rules between the environments."""
    top = ("x-celadon", "environments")
    taken: dict[int, str] = {}
    for name, options in settings.environments.items():
        if not NAME.fullmatch(name):
            problems.append(raw.problem((*top, name), bad_name(name), key=True))
        if options.from_ is not None:
            _from(raw, settings, name, problems)
        ports: list[tuple[tuple[str | int, ...], Listen]] = [
            (("listen", n), port) for n, port in enumerate(options.listen)
        ]
        ports += [(("tls", "listen", n), port) for n, port in enumerate(options.tls.listen if options.tls else ())]
        for where, listen in ports:
            if listen.port in taken:
                words = _("port {port} is taken by `{other}` already").format(
                    port=listen.port, other=taken[listen.port]
                )
                problems.append(raw.problem((*top, name, *where), words))
            taken.setdefault(listen.port, name)
        if files and options.tls:
            for key in ("certificate", "key"):
                _file(raw, (*top, name, "tls", key), getattr(options.tls, key), problems)
    if files and settings.router.template:
        _file(raw, ("x-celadon", "router", "template"), settings.router.template, problems)


def addresses(
    raw: Positions, settings: WorkspaceOptions, problems: list[Problem], judge: Callable[[str], str | None] | None
) -> None:
    """Whether somebody can be told at each address of `notify`; nothing is sent, and no address is shown."""
    lists: dict[tuple[str, ...], tuple[Notify, ...]] = {("x-celadon", "notify"): settings.notify}
    for name, options in settings.environments.items():
        lists["x-celadon", "environments", name, "notify"] = options.notify or ()
    for path, entries in lists.items():
        for place, entry in enumerate(entries):
            address = entry.url.get_secret_value()
            if address and not entry.scheme:
                words = _("should be an address such as ntfy://ntfy.sh/topic; what stands there has no `://`")
                problems.append(raw.problem((*path, place), words))
            elif address and judge and (wrong := judge(address)):
                problems.append(raw.problem((*path, place), wrong))


def without_secrets(words: str, raw: Positions) -> str:
    """`words` of another program about the file, less the addresses of `notify` and the tokens of `secrets`."""
    celadon = raw.data.get("x-celadon")
    environments = celadon.get("environments") if isinstance(celadon, dict) else None
    for place in [(), *(("environments", str(name)) for name in environments or ())]:
        addresses = [text for text, _at in raw.scalars(("x-celadon", *place, "notify")) if "://" in text]
        tokens = [text for text, _at in raw.scalars(("x-celadon", *place, "secrets", "doppler", "token"))]
        for text in filter(None, (*addresses, *tokens)):
            words = words.replace(json.dumps(text)[1:-1], "…").replace(text, "…")
    return words


def _from(raw: Positions, settings: WorkspaceOptions, name: str, problems: list[Problem]) -> None:
    where = ("x-celadon", "environments", name, "from")
    seen, current = [name], settings.environments[name].from_
    while current is not None:
        if current not in settings.environments:
            words = _("there is no environment `{name}`; the file has: {known}")
            problems.append(raw.problem(where, words.format(name=current, known=", ".join(settings.environments))))
            return
        if current in seen:
            words = _("leads back to itself: {names}").format(names=" → ".join([*seen, current]))
            problems.append(raw.problem(where, words))
            return
        seen.append(current)
        current = settings.environments[current].from_


def _file(raw: Positions, path: tuple[str, ...], name: str, problems: list[Problem]) -> None:
    if not there((raw.file.parent / name).is_file):
        problems.append(raw.problem(path, _("there is no file {file}").format(file=name)))
