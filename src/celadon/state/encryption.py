"""Documents below `.celadon` that hold values of variables: read and written here only, encrypted where there is a key.

An encrypted document is text: a line that names the key and its file, then base64 of a nonce and of what
ChaCha20-Poly1305 makes of the document, bound to that line and to the document's place below `.celadon`.
"""

import hashlib
import os
import re
import shlex
import stat
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import Path

from celadon.config.ownership import accepted
from celadon.errors import CeladonError, KeyFileError
from celadon.locale import _
from celadon.state.layout import Layout, make_private, write_whole

HEADER = re.compile(rb"# Encrypted by Celadon with the key ([0-9a-f]{16}) in (/[^\n]*)\n")
LONGEST_HEADER = 4300  # bytes: PATH_MAX and the words around it
KEY_SIZE, NONCE_SIZE = 32, 12  # bytes: ChaCha20-Poly1305's own
MAKE_KEY = "(umask 077; openssl rand -base64 32 > {file})"


class Ruined(CeladonError):
    """An encrypted document that was changed, cut short or moved since it was written."""


@dataclass(frozen=True)
class Key:
    """What a key file holds; `id` tells it from others and gives nothing away."""

    file: Path
    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return hashlib.sha256(b"celadon key id" + self.secret).hexdigest()[:16]


def key_of(layout: Layout) -> Key | None:
    """The key that the workspace names, None where it names none. Raises KeyFileError where it cannot be used."""
    return _load(layout.key, layout.workspace) if layout.key else None


def write(layout: Layout, file: Path, text: str, modified: int | None = None) -> None:
    """Write a document, for the owner only, whole or not at all; `modified` is its time, in nanoseconds."""
    make_private(file.parent)
    key = key_of(layout)
    write_whole(file, _encrypted(key, _place(layout, file), text) if key else text, 0o600, modified=modified)


def read(layout: Layout, file: Path) -> str:
    """A document's text, with whichever of the workspace's key and the one that it names itself was used for it.

    So a key may be replaced or given up: `rewrite` brings the rest along. Raises KeyFileError without the key, Ruined,
    and as any reading, OSError and UnicodeDecodeError.
    """
    data = file.read_bytes()
    header = HEADER.match(data)
    if header is None:
        return data.decode()
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher = ChaCha20Poly1305(_key_for(layout, file, header).secret)
    try:
        packed = b64decode(data[header.end() :].rstrip(b"\n"), validate=True)
        nonce, rest = packed[:NONCE_SIZE], packed[NONCE_SIZE:]
        return cipher.decrypt(nonce, rest, header[0] + _place(layout, file)).decode()
    except (InvalidTag, ValueError):
        raise Ruined(
            _("{file} was changed since Celadon encrypted it; it cannot be read.").format(file=file),
            hint=_(
                "Restore it from a backup. Without one, move .celadon aside: what runs is found again by its labels."
            ),
        ) from None


def rewrite(layout: Layout) -> int:
    """Keep every document as the workspace now says: with its key, or in plain text; returns how many were not.

    The host's lock must be held.

    Raises KeyFileError before anything is changed where the workspace's own key cannot be used.
    """
    key = key_of(layout)
    others = [file for file in layout.documents() if _key_id(file) != (key.id if key else None)]
    for file in others:
        write(layout, file, read(layout, file), file.stat().st_mtime_ns)
    for left in layout.unfinished() if key else ():  # by a run that was killed, perhaps when there was no key yet
        left.unlink(missing_ok=True)
    return len(others)


def _key_id(file: Path) -> str | None:
    """Which key a document is encrypted with; None for plain text."""
    with file.open("rb") as opened:
        header = HEADER.match(opened.readline(LONGEST_HEADER))
    return header[1].decode() if header else None


def _place(layout: Layout, file: Path) -> bytes:
    return os.fsencode(file.relative_to(layout.root))


def _encrypted(key: Key, place: bytes, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # 38 ms that others need not pay

    header = f"# Encrypted by Celadon with the key {key.id} in {key.file}\n"
    nonce = os.urandom(NONCE_SIZE)
    sealed = ChaCha20Poly1305(key.secret).encrypt(nonce, text.encode(), header.encode() + place)
    return f"{header}{b64encode(nonce + sealed).decode()}\n"


def _key_for(layout: Layout, file: Path, header: re.Match[bytes]) -> Key:
    """The key that a document was encrypted with."""
    wanted, named = header[1].decode(), Path(os.fsdecode(header[2]))
    refusals = []
    for place in dict.fromkeys([layout.key or named, named]):
        try:
            key = _load(place, layout.workspace)
        except KeyFileError as problem:
            refusals.append(problem.message)
            continue
        if key.id == wanted:
            return key
        refusals.append(_("{file} holds another key, {id}.").format(file=place, id=key.id))
    raise KeyFileError(
        _("{file} is encrypted with the key {id}, which is missing.").format(file=file, id=wanted),
        evidence=refusals,
        hint=_("Put the key back to {file} (mode 0600) and try again; nothing is lost.").format(file=named),
    )


def _load(file: Path, workspace: Path) -> Key:
    """The key in `file`. Raises KeyFileError."""
    if file.resolve().is_relative_to(workspace.resolve()):
        raise KeyFileError(
            _("The key {file} lies in the workspace that it is to protect.").format(file=file),
            hint=_("Move it out of {folder}, and name its new place in x-celadon.encryption.key.").format(
                folder=workspace
            ),
        )
    try:
        text = _private_text(file, workspace)
        secret = b64decode(text.strip(), validate=True)
    except OSError as problem:
        raise KeyFileError(
            _("The key {file} cannot be read: {problem}.").format(file=file, problem=problem.strerror),
            hint=_("Put it back, or for a workspace that has none yet: {command}").format(
                command=MAKE_KEY.format(file=shlex.quote(str(file)))
            ),
        ) from None
    except ValueError:
        secret = b""
    if len(secret) != KEY_SIZE:
        raise KeyFileError(
            _("{file} is not a key: it should hold 32 random bytes in base64.").format(file=file),
            hint=_("For a workspace that has none yet: {command}").format(
                command=MAKE_KEY.format(file=shlex.quote(str(file)))
            ),
        )
    return Key(file, secret)


def _private_text(file: Path, workspace: Path) -> bytes:
    """What a file holds that nobody but its owner may read. Raises OSError, KeyFileError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077 or found.st_uid not in accepted(workspace):
            raise KeyFileError(
                _("The key {file} is not yours alone (mode {mode}).").format(file=file, mode=f"{mode:04o}"),
                hint=_("Make it the property of root or of the workspace's owner, and: {command}").format(
                    command=f"chmod 600 {file}"
                ),
            )
        return opened.read(1024) if stat.S_ISREG(found.st_mode) else b""
