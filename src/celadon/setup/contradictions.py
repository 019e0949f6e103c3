"""What in the old set-up contradicts itself, and would go on doing so: told by file and line, and never changed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from celadon.adapters.foreign_files import UnsafeFile, checkout_of, text_inside
from celadon.config.positions import shown
from celadon.config.secret_names import names_a_secret
from celadon.locale import _
from celadon.setup.health import Gate
from celadon.setup.oldenv import Entry, entries
from celadon.setup.proxy import Proxy
from celadon.setup.tale import CONTRADICTION, LEFT, Row, Spot
from celadon.setup.twins import EVERY, PRODUCTION, Family, Old, Twin

_ADDRESS = re.compile(r"(^|_)(URL|URI|DSN|ENDPOINT|ADDR|ADDRESS)$|_HOST$|_SERVERS?$|_BROKERS?$")
_OF_BROWSERS = re.compile(r"PUBLIC|^(VITE|REACT_APP)_|CORS|ORIGIN|ALLOWED|CALLBACK|REDIRECT|^NEXTAUTH_URL$")
_LOOPBACK = re.compile(
    r"(?:^|//|@|,)\s*(localhost|127\.\d+\.\d+\.\d+|\[::1\]|host\.docker\.internal)(?::(\d+))?(?=$|[/,?\s])"
)
_PARALLEL = re.compile(
    r"(docker[ -]compose|docker compose)\b.*\bbuild\b.*--parallel|(docker[ -]compose)\b.*--parallel.*\bbuild\b"
)
_RENAME = re.compile(r"\bdocker\s+rename\b")
_SCRIPTS = ("*.sh", "Makefile", "scripts/**/*.sh", "deploy/**/*.sh", "bin/*")


def contradictions(old: Old, proxy: Proxy, deployed: Sequence[Family], gates: Mapping[str, Gate]) -> Iterator[Row]:
    """All of them."""
    for family in deployed:
        yield from _ports(old, family, gates[family.name])
        if proxy.sites and not gates[family.name].route:
            yield from _unreached(old, family)
    yield from _values(old, (*deployed, *(f for f in old.families if f.is_backing)))
    yield from _in_scripts(old.folder)


def secret_names(twins: Iterable[Twin]) -> set[str]:
    """Variables in `environment` that look like secrets."""
    return {n for t in twins for n, v in t.environment_entries.items() if v and _is_secret(n, v)}


def _ports(old: Old, family: Family, gate: Gate) -> Iterator[Row]:
    """A PORT that differs from the port that nginx, or `ports`, sends users to: nobody would answer."""
    for twin in family.twins:
        said = [entry for entry in entries(old, twin) if entry.name == "PORT" and entry.value.isdigit()]
        environments = [twin.environment] if twin.environment != EVERY else [*gate.asked] or [PRODUCTION]
        for environment in environments if said else ():
            port, where = gate.asked.get(environment) or _published(twin)
            if port and int(said[-1].value) != port:
                what = _("PORT of {name} in {environment} is {port}").format(
                    name=family.name, environment=environment, port=said[-1].value)  # fmt: skip
                became = _("users are sent to {port} ({where})").format(port=port, where=where)
                yield Row(CONTRADICTION, said[-1].spot, what, became)


def _published(twin: Twin) -> tuple[int, Spot]:
    """The port that a twin publishes, 0 for none."""
    return next(((p.container, Spot(twin.file, p.place.line)) for p in twin.ports), (0, Spot(twin.file, 0)))


def _unreached(old: Old, family: Family) -> Iterator[Row]:
    spot = Spot(old.file, family.first.place.line)
    what = _("{name} has no route").format(name=family.name)
    if any(twin.ports for twin in family.twins):
        yield Row(CONTRADICTION, spot, what, _("it publishes a port, but nginx sends nobody there: now it is internal"))
    elif family.runs_once:
        yield Row(CONTRADICTION, spot, what, _("it becomes a worker"))
    else:
        yield Row(CONTRADICTION, spot, what, _("it becomes a worker; `strategy: replace` if it must never run twice"))


def _values(old: Old, families: Iterable[Family]) -> Iterator[Row]:
    """Addresses that lead back into the container, and secrets in a file that git keeps. No value is told."""
    readers: dict[tuple[Entry, bool], list[str]] = {}
    for family in families:
        for twin in family.twins:
            for entry in entries(old, twin):
                names = readers.setdefault((entry, twin.environment == EVERY), [])
                names += [family.name] if family.name not in names else []
    for (entry, everywhere), names in readers.items():
        what = {"variable": entry.name, "names": ", ".join(names)}
        found = _LOOPBACK.search(entry.value)
        if found and _ADDRESS.search(entry.name) and not _OF_BROWSERS.search(entry.name):
            words = _("{variable} of {names} leads to {host}").format(**what, host=found[1])
            yield Row(CONTRADICTION, entry.spot, words, _better(old, found[2] or ""))
        written = entry.spot.file == old.file and everywhere and "$" not in entry.value
        if written and _is_secret(entry.name, entry.value):
            words = _("{variable} of {names} stands in the compose file").format(**what)
            yield Row(CONTRADICTION, entry.spot, words, _("git keeps it for ever: move it to config/.env.common"))


def _better(old: Old, port: str) -> str:
    """What to write instead of localhost."""
    published = old.publishing(int(port)) if port else None
    if published is None:
        return _("a container finds only itself there: name the service")
    words = _("a container finds only itself there: name the service, {name}:{port}")
    return words.format(name=published[0].name, port=published[2].container)


def _is_secret(name: str, value: str) -> bool:
    return bool(names_a_secret(name) or re.search(r"://[^/@\s]*:[^/@\s]+@", value))


def _in_scripts(folder: Path) -> Iterator[Row]:
    for file in sorted({f for pattern in _SCRIPTS for f in folder.glob(pattern) if f.is_file()}):
        try:
            text = text_inside(checkout_of(folder, file), file) or ""
        except UnsafeFile:
            continue
        for number, line in _commands(text):
            if _PARALLEL.search(line):
                why = _("builds side by side eat the server's memory; `celadon build` goes one by one")
                yield Row(CONTRADICTION, Spot(shown(file), number), _("parallel builds"), why)
            elif _RENAME.search(line):
                why = _("nginx asks for names only once, at its start; `celadon deploy` switches without it")
                yield Row(LEFT, Spot(shown(file), number), "docker rename", why)
                break


def _commands(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a script but comments, each with its number; what a backslash continues is one line."""
    begun, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not held and line.lstrip().startswith("#"):
            continue
        begun = begun if held else number
        held += line.removesuffix("\\")
        if not line.endswith("\\"):
            yield begun, held
            held = ""
    if held:
        yield begun, held
