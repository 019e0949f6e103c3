"""What the instructions of a Dockerfile bring in: files that are copied, variables that are set."""

import re
from collections.abc import Iterator, Mapping

from celadon.check.dockerfile import Dockerfile, Instruction, Stage
from celadon.check.shell import split

_REFERENCE = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)")


def words(instruction: Instruction) -> list[str]:
    """The arguments as a shell would split them, or those of the exec form."""
    listed = instruction.listed
    return list(listed) if listed is not None else split(instruction.text)


def copied(instruction: Instruction) -> list[str]:
    """What a COPY or ADD takes from the build folder; [] for what comes from another stage or image."""
    if instruction.name not in ("COPY", "ADD") or any(flag.startswith("--from=") for flag in instruction.flags):
        return []
    return [word for word in words(instruction)[:-1] if not word.startswith("<<")]


def whole(source: str) -> bool:
    """Whether a source of COPY is the whole build folder."""
    return source.rstrip("/") in (".", "*", "") or source in ("./*", "./.")


def settings(instruction: Instruction) -> Iterator[tuple[str, str | None]]:
    """Name and value of each variable of an ENV or ARG; None for an ARG without a value."""
    found = words(instruction)
    if instruction.name == "ENV" and found and "=" not in found[0]:
        yield found[0], " ".join(found[1:])  # the old form: ENV NAME value
        return
    for word in found:
        name, equals, value = word.partition("=")
        yield name, value if equals else None


def variables(dockerfile: Dockerfile, stage: Stage, before: Instruction) -> dict[str, str]:
    """The ENV and ARG values that hold at an instruction, with those of the stages that its own is made of."""
    found: dict[str, str] = {}
    for one in (i for s in dockerfile.lineage(stage) for i in s.body if i.place.line < before.place.line):
        if one.name in ("ENV", "ARG"):
            found.update({name: value for name, value in settings(one) if value is not None})
    return found


def expanded(text: str, values: Mapping[str, str]) -> str:
    """`text` with ${NAME}, ${NAME:-default} and $NAME put in; what has no value stays as it is."""

    def put(match: re.Match[str]) -> str:
        given = values.get(match[1] or match[3]) or match[2]
        return match[0] if given is None else given

    return _REFERENCE.sub(put, text)
