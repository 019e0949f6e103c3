"""Commands of the team's that judge an image before it starts: a scanner, and what writes an SBOM.

They are given the image's id, so that no tag has a say in what is looked at, and of Celadon's own environment only what
finds programs, the engine and the network: none of the services' secrets.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from celadon.adapters import process
from celadon.adapters.output import OnLine
from celadon.config.policy import for_image
from celadon.errors import CeladonError, CommandError, CommandTimeout, RefusedError
from celadon.locale import _
from celadon.plan.policy_steps import KeepSbom, Scan
from celadon.printable import one_line
from celadon.run import projection
from celadon.run.world import World
from celadon.state import evidence

LOGGED = 1 << 20  # characters of a command's output that the log gets
SBOM_MOST = 32 << 20  # bytes
SHOWN = 15  # last lines that are shown of a command that failed
WIDTH = 400  # characters of a line

_GIVEN = re.compile(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|TZ|LANG|LC_\w+|XDG_\w+|DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS\w*|API_VERSION)"
    r"|SSL_CERT_(FILE|DIR)|(HTTPS?|NO|ALL)_PROXY",
    re.IGNORECASE,
)


def scan(world: World, step: Scan) -> None:
    """Raises RefusedError where the scanner says no; the result is kept with the image either way."""
    image = _recorded(world, step.image)
    begun = time.monotonic()
    done = _run(world, step.service, step.command, image)
    result = {
        "image": image,
        "command": list(step.command),
        "code": done.code,
        "passed": done.code == 0,
        "seconds": round(time.monotonic() - begun, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "last": [world.hide(line) for line in _lines(done.tail)],
    }
    evidence.keep(world.layout, image, evidence.scan(world.config.name), result)
    if done.code:
        raise RefusedError(
            _(
                "{service}: the image failed the scan (`{program}` exited with code {code}). Nothing was switched."
            ).format(service=step.service, program=step.command[0], code=done.code),
            evidence=_lines(done.tail),
            hint=_("Fix the findings and deploy again. Run it yourself: {command}").format(
                command=" ".join(for_image(step.command, image))
            ),
        )
    world.report.detail(_("{service}: the scan passed").format(service=step.service))


def keep_sbom(world: World, step: KeepSbom) -> None:
    """Keep what the command prints, unless it is there already. Raises RefusedError for what is no JSON object."""
    image = _recorded(world, step.image)
    if evidence.found(world.layout, image, evidence.SBOM) is not None:
        world.report.detail(_("{service}: SBOM already stored").format(service=step.service))
        return
    try:
        done = _run(world, step.service, step.command, image, keep=SBOM_MOST)
    except CommandError as error:
        done = process.Result(error.argv, error.code, "", tuple(error.tail))
    document = None if done.code else _json_object(done.out)
    if document is not None:
        evidence.keep(world.layout, image, evidence.SBOM, document)
        return
    if done.code > 0:
        problem = _("`{program}` exited with code {code}").format(program=step.command[0], code=done.code)
    else:
        problem = _("`{program}` did not print a JSON object of at most {size} MB").format(
            program=step.command[0], size=SBOM_MOST >> 20
        )
    raise RefusedError(
        _("{service}: the SBOM could not be created: {problem}. Nothing was switched.").format(
            service=step.service, problem=problem
        ),
        evidence=_lines(done.tail) if done.code > 0 else (),
        hint=_("Run it yourself: {command}").format(command=" ".join(for_image(step.command, image))),
    )


def _json_object(text: str) -> dict[str, object] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _recorded(world: World, tag: str) -> str:
    """The id of the image that was built, pulled or tested under a tag, wherever the tag points now."""
    if image_id := projection.recorded_images(world).get(tag):
        return image_id
    raise CeladonError(_("The image {image} is not in the record.").format(image=tag), hint="celadon reconcile")


def _run(world: World, service: str, command: tuple[str, ...], image: str, *, keep: int = 0) -> process.Result:
    """Run a command for an image; what it prints is kept (at most `keep` bytes), or goes into the log, cleaned."""
    limit, words = world.config.policy.timeout, for_image(command, image)
    if "/" in words[0]:
        words[0] = str(world.config.folder / words[0])
    if not shutil.which(words[0]):
        raise RefusedError(
            _("{service}: the program `{program}` is not installed or not executable. Nothing was switched.").format(
                service=service, program=command[0]
            ),
            hint=_("Install it or change x-celadon.policy."),
        )
    given = {name: value for name, value in os.environ.items() if _is_given(name, command[0])}
    given |= {"CELADON_ENV": world.config.name, "CELADON_SERVICE": service}
    try:
        return process.run(
            words,
            cwd=world.config.folder,
            env=given,
            whole=True,
            timeout=limit,
            check=False,
            bound=True,
            keep=keep,
            on_line=None if keep else _logger(world),
        )
    except CommandTimeout as error:
        raise RefusedError(
            _("{service}: `{program}` took longer than {seconds:g} s and was stopped. Nothing was switched.").format(
                service=service, program=command[0], seconds=limit
            ),
            evidence=_lines(error.tail),
            hint=_("Raise x-celadon.policy.timeout, or run it yourself: {command}").format(
                command=" ".join(for_image(command, image))
            ),
        ) from None


def _logger(world: World) -> OnLine:
    """Takes lines for the log, until it has LOGGED characters of them."""
    room = LOGGED

    def log(line: str) -> None:
        nonlocal room
        if room > 0:
            world.report.log(cleaned(line))
            room -= len(line) + 1

    return log


def _is_given(name: str, program: str) -> bool:
    """Whether a command may see a variable: a general one, or one of its own, such as TRIVY_CACHE_DIR for trivy."""
    own = re.sub(r"\W", "_", Path(program).name).upper()
    return bool(_GIVEN.fullmatch(name)) or name.startswith(f"{own}_")


def cleaned(line: str) -> str:
    """A line of another program, without what a terminal would obey, and not longer than anybody reads."""
    text = one_line(line)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _lines(tail: Sequence[str]) -> list[str]:
    return [text for line in tail if (text := cleaned(line)).strip()][-SHOWN:]
