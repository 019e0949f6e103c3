"""The Dockerfile that is about to be built, as it lies in the exported folder.

What `check` read in the commit may be something else: git converts files on their way to a folder.
"""

from pathlib import Path

from celadon.adapters.foreign_files import UnsafeFile, read_inside
from celadon.errors import RefusedError
from celadon.locale import _
from celadon.plan import frontend
from celadon.plan.steps import Build


def checked(step: Build, folder: Path) -> str:
    """Its text; "" where there is none. Raises RefusedError where it is no file, or asks for another frontend."""
    service = step.built.service
    if inline := step.definition.get("dockerfile_inline"):
        return str(inline)
    dockerfile = folder / step.source.context / str(step.definition.get("dockerfile") or "Dockerfile")
    root = folder if dockerfile.is_relative_to(folder) else None  # the compose file may name one of the host
    try:
        text = (read_inside(root, dockerfile) or b"").decode(errors="replace")
    except UnsafeFile as problem:
        raise RefusedError(
            _("{service}: the Dockerfile {reason}.").format(service=service, reason=problem.strerror),
            hint=_("Replace it with a regular file of at most 1 MB inside its checkout."),
        ) from None
    if wanted := frontend.refused(text, step.definition):
        words = _(
            "{service}: the Dockerfile uses the frontend image {image}. BuildKit would run it with its own privileges."
        )
        entry = f'{{{frontend.ARGUMENT}: "{wanted}"}}'
        raise RefusedError(
            words.format(service=service, image=wanted),
            hint=_("If this is intended, declare it in compose.yaml: build.args: {entry}").format(entry=entry),
        )
    return text
