"""What Buildx is given beside its command line, which every user of the host may read: values, and BuildKit's policy.

Buildx would use a proxy of its environment itself. Proxies with a login go into a copy of Docker's settings instead,
for builds only, as `proxies` there does. Source: docs.docker.com/engine/cli/proxy.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celadon.adapters import engine
from celadon.state.layout import write_private
from celadon.state.private import private_folder

POLICY = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY"
PROXY = re.compile(r"(HTTP|HTTPS|FTP|ALL|NO)_PROXY", re.IGNORECASE)
# Variables that would change what the client itself does; arguments of these names stay on its command line.
CLIENTS_OWN = re.compile(
    r"(PATH|HOME|TMPDIR|TERM|LANG|LC_\w+|LD_\w+|XDG_\w+|GO(DEBUG|GC|MEMLIMIT|MAXPROCS|TRACEBACK)|SSL_CERT_(FILE|DIR)"
    r"|DOCKER_(HOST|CONTEXT|CONFIG|API_VERSION|CERT_PATH|TLS\w*|BUILDKIT|CLI_\w+|DEFAULT_PLATFORM|CONTENT_TRUST\w*)"
    rf"|(BUILDX|BUILDKIT|COMPOSE|OTEL)_\w+|SSH_AUTH_SOCK|KUBECONFIG|{POLICY}|{PROXY.pattern})$",
    re.IGNORECASE,
)


def words(arguments: Mapping[str, Any]) -> list[str]:
    """The flags for build arguments; the values that stand here are no secrets."""
    found: list[str] = []
    for name, value in arguments.items():
        if not _with_login(name, value):
            found += ["--build-arg", f"{name}={value}" if value is not None and CLIENTS_OWN.match(name) else name]
    return found


def variables(arguments: Mapping[str, Any]) -> dict[str, str]:
    """The values of those that `words` only names, for the environment of Buildx."""
    return {name: str(value) for name, value in arguments.items() if value is not None and not CLIENTS_OWN.match(name)}


@contextmanager
def environment(arguments: Mapping[str, Any], policy: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The environment that Buildx gets, as long as the body runs: `arguments` are the build's, `policy` BuildKit's."""
    proxies = {name: str(value) for name, value in arguments.items() if _with_login(name, value)}
    with private_folder() as folder:
        given = variables(arguments)
        if policy:
            file = folder / "buildkit" / "policy.json"  # the folder itself is locked
            write_private(file, json.dumps(policy))
            given[POLICY] = str(file)
        if proxies:
            given["DOCKER_CONFIG"] = str(_settings(folder / "docker", proxies))
        yield given


def _with_login(name: str, value: object) -> bool:
    return bool(PROXY.fullmatch(name)) and "@" in str(value)


def _settings(folder: Path, proxies: Mapping[str, str]) -> Path:
    """Docker's settings of this user, with `proxies` for builds; all other files are those of the user."""
    own = engine.settings()
    folder.mkdir(mode=0o700)
    for file in own.iterdir() if own.is_dir() else ():
        if file.name != "config.json":
            (folder / file.name).symlink_to(file.resolve())
    settings = engine.settings_file()
    keys = {f"{name.lower().removesuffix('_proxy')}Proxy": value for name, value in proxies.items()}
    known = settings.get("proxies") or {}
    settings["proxies"] = {host: {**(known.get(host) or {}), **keys} for host in {"default", *known}}
    write_private(folder / "config.json", json.dumps(settings))
    return folder
