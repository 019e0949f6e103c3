"""What git has and should not have: env files, keys, Celadon's own folder."""

from collections.abc import Collection, Sequence
from pathlib import Path

from celadon.adapters import git
from celadon.adapters.foreign_files import UnsafeFile, checkout_of, read_inside
from celadon.check import facts
from celadon.check.facts import Facts, Stray
from celadon.check.images import HARMLESS_FILES
from celadon.config import dotenv
from celadon.config.positions import shown
from celadon.config.secret_names import names_a_secret
from celadon.errors import CeladonError, CommandError
from celadon.state.layout import Layout

KEYS = ("*.pem", "*.key", "id_*")
ENVS = (".env", ".env.*", "*.env")


def says(paths: Sequence[Path]) -> dict[Path, str]:
    """What git says of each file, folder by folder."""
    found: dict[Path, str] = {}
    for folder in sorted({path.parent for path in paths}):
        names = [path.name for path in paths if path.parent == folder]
        try:
            if git.top(folder) is None:
                found |= {folder / name: facts.OUTSIDE for name in names}
                continue
            tracked, ignored = git.kept(folder, names)
        except (CommandError, CeladonError):
            found |= {folder / name: facts.UNSAID for name in names}
            continue
        for name in names:
            found[folder / name] = (
                facts.TRACKED if name in tracked else facts.IGNORED if name in ignored else facts.OPEN
            )
    return found


def strays(seen: Facts, named: Collection[str]) -> tuple[Stray, ...]:
    """What git has in the workspace and the build folders, besides keys that are looked at anyway, and the env files
    `named` by the compose file for whatever environment.
    """
    known = {*named, *(one.path for one in seen.guarded)}
    folders = {seen.raw.file.parent, *(Path(build.context) for build in seen.builds)}
    home = seen.raw.file.parent
    paths = {folder / name for folder in folders for name in _tracked(folder)}
    found = (_stray(home, path) for path in sorted(paths) if str(path.resolve()) not in known)
    return tuple(dict.fromkeys(one for one in found if one))


def _tracked(folder: Path) -> frozenset[str]:
    try:
        return git.tracked(folder, *(f":(glob)**/{pattern}" for pattern in (*KEYS, *ENVS)), ":(glob).celadon/**")
    except CeladonError:
        return frozenset()  # it is in no repository, or `says` tells that git refuses


def _stray(home: Path, path: Path) -> Stray | None:
    if path.is_relative_to(Layout(home).root):
        return Stray(shown(path), facts.STATE)
    if HARMLESS_FILES.search(path.name):
        return None
    try:
        content = read_inside(checkout_of(home, path), path)
    except UnsafeFile:  # what is no regular file of the checkout is no secret that git has
        return None
    if content is None:
        return None
    if any(path.match(pattern) for pattern in KEYS):
        return Stray(shown(path), facts.KEY) if is_private(path) else None
    entries, _slips = dotenv.read(content.decode(errors="replace"))
    held = tuple(one.name for one in entries if not one.empty and names_a_secret(one.name))
    return Stray(shown(path), facts.ENV, held) if held else None


def is_private(path: Path) -> bool:
    """Whether a file's first lines, or else its name, say that it is a private key."""
    try:
        with path.open("rb") as file:
            begin = file.read(4096)
    except OSError:
        begin = b""
    if b"PRIVATE KEY" in begin:
        return True
    public = begin.startswith((b"ssh-", b"ecdsa-")) or b"PUBLIC KEY" in begin or b"CERTIFICATE" in begin
    return not public and not any(word in path.name.lower() for word in ("pub", "cert", "chain"))
