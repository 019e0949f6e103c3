"""A container that runs one command of Celadon's own: an image the engine has, by its id, with the rights it is given.

It has no network unless one is named, no capability unless one is listed, and is removed when the command ends.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from celadon.adapters import process

# Nothing is pulled: a tag that was moved, or a hostile registry, must not choose what runs here.
LOCKED = (
    "--rm",
    "--pull",
    "never",
    "--log-driver",
    "none",
    "--security-opt",
    "no-new-privileges",
    "--cap-drop",
    "ALL",
    "--pids-limit",
    "64",
    "--memory",
    "256m",
)
# Root of the host, and no label of SELinux's that would keep it from /sys; without capabilities it can do what the
# owner of a file can do, in what is mounted.
HOST_ROOT = ("--user", "0:0", "--userns", "host", "--security-opt", "label=disable")
TEMPORARY = "/tmp:size=16m,mode=1777,noexec,nosuid,nodev"  # noqa: S108 (in the container)


@dataclass(frozen=True)
class Sandbox:
    """Where such commands run: the `image`, an id, and the labels by which `reconcile` finds what a kill left.

    `prefix` is what the containers' names begin with.
    """

    image: str
    prefix: str
    marks: Mapping[str, str]

    def run(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str] = (),
        capabilities: Sequence[str] = (),
        network: str = "none",
        read_only: bool = True,
        host_root: bool = False,
        timeout: float = 60.0,
        check: bool = True,
    ) -> process.Result:
        """Run `argv` to its end. `volumes` are SOURCE:TARGET[:ro]; `read_only` is about the image's own files.

        Raises CommandError where it cannot be run, or fails and `check` is set.
        """
        words = ["docker", "run", *LOCKED, "--name", f"{self.prefix}-{secrets.token_hex(4)}", "--network", network]
        words += [word for name, value in self.marks.items() for word in ("--label", f"{name}={value}")]
        words += [word for one in capabilities for word in ("--cap-add", one)]
        words += [word for one in volumes for word in ("--volume", one)]
        words += [*(["--read-only"] if read_only else []), "--tmpfs", TEMPORARY, *(HOST_ROOT if host_root else ())]
        words += ["--entrypoint", argv[0], self.image, *argv[1:]]
        return process.run(words, timeout=timeout, check=check)
