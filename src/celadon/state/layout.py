"""Where things are on disk: everything that Celadon keeps lies in `.celadon/` of the workspace, for the owner only."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from celadon.config.ownership import accepted, refuse_foreign, refuse_writable


@dataclass(frozen=True)
class Layout:
    """Paths below the workspace's folder. Asking for one creates nothing.

    `key` is the file of the key that documents with values of variables are encrypted with, if any: see `encryption`.
    """

    workspace: Path
    key: Path | None = None

    @property
    def root(self) -> Path:
        return self.workspace / ".celadon"

    @property
    def record(self) -> Path:
        return self.root / "state.db"

    @property
    def audit(self) -> Path:
        """Who did what: one line each, chained by hashes."""
        return self.root / "audit.jsonl"

    @property
    def names(self) -> Path:
        """The names in the workspace's file, as they were when it could be read last."""
        return self.root / "names.json"

    def environment(self, environment: str) -> Path:
        """The environment as it runs: a Compose file, and the rendering it was made from."""
        return self.root / "environments" / environment

    def compose(self, environment: str) -> Path:
        return self.environment(environment) / "compose.yaml"

    def rendered(self, environment: str, name: str) -> Path:
        """A configuration as it was rendered once: for heals and rollbacks, whatever became of the file since."""
        return self.environment(environment) / f"{name}.yaml"

    def every_rendered(self, environment: str) -> list[Path]:
        """All that are kept, the newest last."""
        found = self.environment(environment).glob("rendered*.yaml")
        return sorted(found, key=lambda file: file.stat().st_mtime_ns)

    def secrets(self, environment: str) -> Path:
        """What backing services read as files."""
        return self.environment(environment) / "secrets"

    def one_off(self, environment: str, name: str) -> Path:
        """What a container that runs one command is made of; locked as long as somebody waits for it."""
        return self.environment(environment) / f"run-{name}.yaml"

    def every_one_off(self, environment: str) -> list[Path]:
        return sorted(self.environment(environment).glob("run-*.yaml"))

    def releases(self, environment: str) -> Path:
        return self.root / "releases" / environment

    def every_release(self) -> list[Path]:
        """The frozen documents that are kept, of all environments."""
        return sorted(self.root.glob("releases/*/*/*/compose.yaml"))

    def release(self, environment: str, service: str, release: str) -> Path:
        return self.releases(environment) / service / release / "compose.yaml"

    def documents(self) -> list[Path]:
        """All that hold values of variables, and that no container mounts."""
        environments = [
            file for name in ("compose", "rendered*") for file in self.root.glob(f"environments/*/{name}.yaml")
        ]
        return [*self.every_release(), *environments]

    def unfinished(self) -> list[Path]:
        """What runs that were killed left of such documents."""
        folders = ("environments/*", "releases/*/*/*")
        return [file for folder in folders for file in self.root.glob(f"{folder}/.new.*.yaml")]

    @property
    def evidence(self) -> Path:
        """What is known of images, a folder each: provenance, SBOM, signatures, scans."""
        return self.root / "evidence"

    def router(self, environment: str) -> Path:
        return self.root / "router" / environment

    def router_image(self, environment: str) -> Path:
        """Which image the router's reference stands for."""
        return self.environment(environment) / "router-image.json"

    def log(self, deployment: int) -> Path:
        """What people read: everything that was printed."""
        return self.root / "logs" / f"{deployment}.log"

    def events(self, deployment: int) -> Path:
        """What a terminal follows."""
        return self.root / "logs" / f"{deployment}.jsonl"

    def last_log(self) -> int:
        """The highest number that a deployment's log bears, 0 without any."""
        return max((int(file.stem) for file in self.root.glob("logs/*.log") if file.stem.isdigit()), default=0)

    def source(self, service: str) -> Path:
        return self.root / "src" / service

    @property
    def checkouts(self) -> Path:
        """Sources as they are exported for a build, and removed after it."""
        return self.root / "checkout"

    def checkout(self, service: str) -> Path:
        return self.checkouts / service


def refuse_planted(layout: Layout) -> None:
    """Raises RefusedError where what Celadon keeps may have been put there by another user of the host."""
    if os.path.lexists(layout.root):
        refuse_foreign(layout.root, accepted(layout.workspace))
        refuse_writable(layout.root)


def make_private(folder: Path) -> Path:
    """Make `folder`, and what is missing of the way to it, for the owner only."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_private(file: Path, text: str) -> None:
    """Write `text` so that a reader sees the old or the new file, never a part, whatever happens in between."""
    make_private(file.parent)
    write_whole(file, text, 0o600)


def write_public(file: Path, text: str) -> None:
    """As `write_private`, for a file that all users of the host may read, in a folder that is there."""
    write_whole(file, text, 0o644)


def write_private_bytes(file: Path, data: bytes) -> None:
    """As `write_private`, for what is no text, in a folder that is there."""
    write_whole(file, data, 0o600)


def write_whole(
    file: Path,
    content: str | bytes,
    mode: int,
    owner: tuple[int, int] | None = None,
    modified: int | None = None,
) -> None:
    """Write a file whole or not at all, of that mode from its first byte on; `owner` is a user's and a group's id,
    `modified` its time, in nanoseconds.
    """
    fresh = fresh_of(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)  # who writes the same file meanwhile has the same `fresh`
        fresh.unlink(missing_ok=True)  # one that a killed run left may be open to others
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as out:
            os.fchmod(descriptor, mode)  # whatever the umask says
            if owner:
                os.fchown(descriptor, *owner)
            out.write(content.encode() if isinstance(content, str) else content)
            out.flush()
            if modified is not None:
                os.utime(descriptor, ns=(modified, modified))
            os.fsync(out.fileno())
        fresh.replace(file)
        os.fsync(directory)  # the rename itself must survive a power cut
    except OSError as problem:
        problem.filename, problem.filename2 = str(file), None  # the one that people know
        raise
    finally:
        os.close(directory)


def fresh_of(file: Path) -> Path:
    """Where a file is written before it takes its place: what keeps `.env.staging`, `prod.env` or `key.pem` out of git
    and out of builds keeps this one out, too, where a killed run left it.
    """
    return file.with_name(f"{file.name}.new" if file.name.startswith(".env") else f".new.{file.name}")
