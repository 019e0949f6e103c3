"""Rules of env files: what is wrong in them, and what one environment has and another lacks. No value is ever told."""

from collections.abc import Iterator, Mapping, Sequence

from celadon.check.facts import ERROR, INFO, WARNING, EnvFile, Facts, Finding, Rule
from celadon.config.dotenv import read
from celadon.config.positions import Place
from celadon.locale import _

DUPLICATE = Rule(
    "env/duplicate-key", WARNING, _("the last one wins, whichever you edit"), _("Keep one of them."),
)  # fmt: skip
EMPTY = Rule(
    "env/empty-value", WARNING, _("many programs take an empty variable for one that is set"),
    _("Give it a value, or leave the line out."),
)  # fmt: skip
QUOTING = Rule(
    "env/quoting", ERROR, _("Compose refuses the file, or takes something else than you see"),
    _('NAME=value, or NAME="value with spaces", with nothing around it'),
)  # fmt: skip
MISSING = Rule(
    "env/missing-key", WARNING, _("the service may fail where it is missing, and only after the promote"),
    _("Add it to {files}, or to a file that both read."),
)  # fmt: skip

STOPPED = Rule(
    "env/not-checked", INFO, _("Compose reads none of the services until these env files are mended"),
    _("Mend what is said of them, and check again."),
)  # fmt: skip


def broken(file: EnvFile) -> bool:
    """Whether Compose would refuse the file."""
    return any(slip.broken for slip in read(file.text)[1])


def writing(file: EnvFile) -> Iterator[Finding]:
    """What is wrong within one file."""
    entries, slips = read(file.text)
    first: dict[str, int] = {}
    for entry in entries:
        if entry.name in first:
            what = _("{name} stands in line {line} already").format(name=entry.name, line=first[entry.name])
            yield DUPLICATE.at(file.file, entry.place, what)
        first.setdefault(entry.name, entry.place.line)
        if entry.empty:
            yield EMPTY.at(file.file, entry.place, _("{name} is empty").format(name=entry.name))
    for slip in slips:
        yield QUOTING.at(file.file, slip.place, slip.what, severity="" if slip.broken else WARNING)


def stopped(seen: Facts) -> Iterator[Finding]:
    """All that could be checked is the env files: Compose refuses them."""
    if not seen.environments:
        yield STOPPED.at(seen.file, Place(1, 1), _("the services were not checked"))


def missing(seen: Facts) -> Iterator[Finding]:
    """Variables that a service is given in one environment and not in another."""
    files = {file.path: file for file in seen.env_files}
    lacking: dict[tuple[str, Place, str, str], tuple[list[str], list[str]]] = {}
    for config in seen.environments:
        for other in seen.environments:
            for service in config.services:
                if other is config or service not in other.services:
                    continue
                theirs = names(other.services[service].definition)
                mine = seen.env_of.get((config.name, service), ())
                if any(broken(files[p]) for p in (*mine, *seen.env_of.get((other.name, service), ())) if p in files):
                    continue  # what Compose made of that are no names
                for name in sorted(names(config.services[service].definition) - theirs):
                    file, place = origin(seen, files, mine, service, name)
                    paths = [p for p in seen.env_of.get((other.name, service), ()) if p not in mine]
                    shown = [files[p].file for p in paths if p in files]
                    where, who = lacking.setdefault((file, place, name, other.name), ([], []))
                    where += [one for one in shown if one not in where]
                    who += [service] if service not in who else []
    for (file, place, name, environment), (where, who) in lacking.items():
        what = _("{name} is given to {services} here, but not in {environment}").format(
            name=name, services=", ".join(who), environment=environment)  # fmt: skip
        lacks = ", ".join(where) or _("an env file of {environment}").format(environment=environment)
        if where:
            what = _("{what}: {files} lacks it").format(what=what, files=lacks)
        yield MISSING.at(file, place, what, files=lacks)


def names(definition: Mapping[str, object]) -> set[str]:
    """The names of a service's variables, as Compose rendered it."""
    given = definition.get("environment")
    return set(given) if isinstance(given, dict) else set()


def origin(seen: Facts, files: Mapping[str, EnvFile], mine: Sequence[str], service: str, name: str
           ) -> tuple[str, Place]:  # fmt: skip
    """Where a service's variable comes from: the compose file, else the last of its env files that has it."""
    path = ("services", service, "environment")
    written = (((seen.raw.data.get("services") or {}).get(service) or {}).get("environment")) or {}
    if isinstance(written, dict) and name in written:
        return seen.file, seen.raw.at((*path, name), key=True)
    if isinstance(written, list):
        for number, word in enumerate(written):
            if str(word).partition("=")[0] == name:
                return seen.file, seen.raw.at((*path, number))
    for one in reversed(mine):
        found = [e for e in read(files[one].text)[0] if e.name == name] if one in files else []
        if found:
            return files[one].file, found[-1].place
    return seen.file, seen.raw.at(("services", service), key=True)
