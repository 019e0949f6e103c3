"""The contents of secrets as files that containers mount: in folders that only their owner may enter."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from celadon.config.secret_files import content_of
from celadon.state.layout import make_private, write_whole

MODE = 0o444  # Compose's own: the user of a container is seldom the one who deploys


def write(folder: Path, definition: Mapping[str, Any]) -> str:
    """Write the secrets of a service whose contents are known, with owner and mode as it asks; returns the folder."""
    for grant in definition.get("secrets") or []:
        content = content_of(grant)
        if content is not None:
            make_private(folder)
            _write(folder / str(grant["source"]), content, grant)
    return str(folder)


def _write(file: Path, content: bytes, grant: Mapping[str, Any]) -> None:
    with suppress(OSError):
        if file.read_bytes() == content:  # a file that is mounted is not put aside for nothing
            return
    mode, uid, gid = grant.get("mode"), _number(grant.get("uid")), _number(grant.get("gid"))
    wanted = MODE if mode is None else int(mode, 8) if isinstance(mode, str) else int(mode)
    try:
        write_whole(file, content, wanted, None if uid == gid == -1 else (uid, gid))
    except PermissionError:  # only root gives files away
        write_whole(file, content, wanted | MODE)


def _number(given: object) -> int:
    """A user's or group's id; -1 leaves it as it is."""
    return int(str(given)) if str(given).isdecimal() else -1
