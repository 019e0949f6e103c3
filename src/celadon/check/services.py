"""Rules of the compose file: memory, logs, mounts, addresses that a container would ask in vain."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from celadon.check.envfiles import origin
from celadon.check.facts import INFO, WARNING, Facts, Finding, Rule
from celadon.config.interpolation import unescaped
from celadon.locale import _
from celadon.locale.numbers import size

NO_LIMIT = Rule(
    "compose/no-mem-limit", INFO, _("a leak in it takes the memory of all the others; the plan cannot reckon with it"),
    _("mem_limit: 256m"),
)  # fmt: skip
SUM = Rule(
    "compose/memory-sum", WARNING,
    _("where all take what they may, the kernel ends one of them, and candidates go one by one"),
    _("Lower mem_limit where `celadon status` shows that less is used, or give the server more."),
)  # fmt: skip
LOGS = Rule(
    "compose/log-rotation", WARNING, _("the log grows until the disk is full, and then every service stops"),
    _('options: {max-size: 10m, max-file: "3"}; or leave `logging` out, and Celadon rotates'),
)  # fmt: skip
NO_SOURCE = Rule(
    "compose/bind-missing", WARNING,
    _("Docker makes an empty folder of root's in its place, and the service finds no file"),
    _("Create {source} before the first deploy."),
)  # fmt: skip
ONE_FILE = Rule(
    "compose/bind-file", INFO,
    _("editors, git and `mv` replace a file by another: the container keeps the old one until it is made anew"),
    _("Mount its folder instead: {folder}"),
)  # fmt: skip
LOCALHOST = Rule(
    "compose/localhost", WARNING, _("in a container that is the container itself, where nobody answers"),
    _("Name the service: {example}"),
)  # fmt: skip
BUILD_ARGS = Rule(
    "compose/build-args-differ", WARNING,
    _("a promote brings the very image that was tested: what was built for one environment then runs in the other"),
    _("Give it at run time, by `environment` or `env_file`."),
)  # fmt: skip

_ADDRESS = re.compile(r"(^|_)(URL|URI|DSN|ENDPOINT|ADDR|ADDRESS)$|_HOST$|_SERVERS?$|_BROKERS?$")
_OF_BROWSERS = re.compile(r"PUBLIC|^(VITE|REACT_APP|NUXT_PUBLIC)_|CORS|ORIGIN|ALLOWED|CALLBACK|REDIRECT|^NEXTAUTH_URL$")
_LOOPBACK = re.compile(r"(?:^|//|@|,)\s*(localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::(\d+))?(?=$|[/:,?\s])", re.IGNORECASE)
_ROUTERS = re.compile(r"nginx|traefik|haproxy|caddy|envoy|httpd")


def limits(seen: Facts) -> Iterator[Finding]:
    """Services without a limit."""
    for _config, name, definition in seen.definitions():
        if not limit(definition):
            what = _("{service} has no mem_limit").format(service=name)
            yield NO_LIMIT.at(seen.file, seen.raw.at(("services", name), key=True), what)


def memory(seen: Facts) -> Iterator[Finding]:
    """All limits of all environments, and the second copy that one of them has in a switch: one goes at a time."""
    first = {c.name: sum(limit(d) for one, _n, d in seen.definitions() if one is c) for c in seen.environments}
    second = {c.name: sum(limit(s.definition) for s in c.services.values()) for c in seen.environments}
    total = sum(first.values()) + max(second.values(), default=0)
    if not seen.memory or total <= seen.memory:
        return
    largest = max(second, key=lambda name: second[name])
    parts = [f"{name} {size(memory)}" for name, memory in first.items()]
    parts.append(_("{environment}'s second slots in a switch {memory}").format(
        environment=largest, memory=size(second[largest])))  # fmt: skip
    what = _("the limits come to {total}, and this machine has {memory}: {parts}").format(
        total=size(total), memory=size(seen.memory), parts=" + ".join(parts))  # fmt: skip
    yield SUM.at(seen.file, seen.raw.at(("services",), key=True), what)


def limit(definition: Mapping[str, Any]) -> int:
    """A service's memory limit in bytes, 0 for none."""
    resources = ((definition.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    return int(definition.get("mem_limit") or resources.get("memory") or 0)


def logs(seen: Facts) -> Iterator[Finding]:
    """Logging that a service sets itself, without an end."""
    for _config, name, definition in seen.definitions():
        logging = definition.get("logging") or {}
        if logging and logging.get("driver", "json-file") == "json-file" and not (logging.get("options") or {}).get(
                "max-size"):  # fmt: skip
            what = _("{service} sets `logging` without max-size").format(service=name)
            yield LOGS.at(seen.file, seen.raw.at(("services", name, "logging"), key=True), what)


def mounts(seen: Facts) -> Iterator[Finding]:
    """Folders and files of the host that containers see."""
    for config, name, definition in seen.definitions():
        for number, volume in enumerate(definition.get("volumes") or []):
            source = str(volume.get("source"))
            kind = seen.binds.get(source)
            if volume.get("type") != "bind" or kind is None or kind == "folder":
                continue
            place = seen.raw.at(("services", name, "volumes", number))
            shown = source.removeprefix(f"{config.folder}/")
            if kind == "":
                what = _("{service} mounts {source}, which is not there").format(service=name, source=shown)
                yield NO_SOURCE.at(seen.file, place, what, source=shown)
            else:
                trap = _ROUTERS.search(str(definition.get("image", ""))) or str(volume.get("target")).endswith(".conf")
                what = _("{service} mounts the single file {source}").format(service=name, source=shown)
                yield ONE_FILE.at(seen.file, place, what, severity=WARNING if trap else "",
                                  folder=shown.rpartition("/")[0] or ".")  # fmt: skip


def loopback(seen: Facts) -> Iterator[Finding]:
    """Addresses of other services that lead back into the container. Values are not told: they may hold passwords."""
    files = {file.path: file for file in seen.env_files}
    for config, name, definition in seen.definitions():
        if definition.get("network_mode") == "host":
            continue
        own = config.services[name].options.port if name in config.services else None
        for variable, value in sorted((definition.get("environment") or {}).items()):
            if not _ADDRESS.search(variable) or _OF_BROWSERS.search(variable):
                continue
            found = [m for m in _LOOPBACK.finditer(str(value)) if not own or m[2] != str(own)]
            if not found:
                continue
            file, place = origin(seen, files, seen.env_of.get((config.name, name), ()), name, variable)
            what = _("{variable} leads to {host}").format(variable=variable, host=found[0][1].lower())
            yield LOCALHOST.at(file, place, what, example=_example(found[0][2], seen, config.backing))


def _example(port: str | None, seen: Facts, backing: Mapping[str, Any]) -> str:
    known = {"5432": "postgres", "6379": "redis", "3306": "mysql", "27017": "mongo", "5672": "rabbit"}
    wanted = known.get(port or "")
    named = [n for n, d in backing.items() if wanted and wanted in str(d.get("image", ""))]
    service = (named or list(backing) or [_("SERVICE")])[0]
    return f"{service}:{port}" if port else service


def build_args(seen: Facts) -> Iterator[Finding]:
    """What is built in, and would have to differ in an environment that builds nothing."""
    by_name = {config.name: config for config in seen.environments}
    for config in seen.environments:
        source = by_name.get(config.options.from_ or "")
        for name, service in (config.services if source else {}).items():
            other = source.services.get(name) if source else None
            mine = (service.definition.get("build") or {}).get("args") or {}
            theirs = ((other.definition.get("build") or {}).get("args") or {}) if other else {}
            for argument in sorted(a for a in mine if other and unescaped(mine[a]) != unescaped(theirs.get(a))):
                what = _("{service}: the build argument {argument} differs between {source} and {environment}").format(
                    service=name, argument=argument, source=config.options.from_, environment=config.name)  # fmt: skip
                place = seen.raw.at(("services", name, "build", "args", argument), key=True)
                yield BUILD_ARGS.at(seen.file, place, what)
