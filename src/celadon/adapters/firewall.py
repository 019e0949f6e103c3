"""iptables and ip6tables: the rules of the host's filter table, read and changed in one piece.

It does not matter whether the engine writes its own rules with the older or the newer iptables, or with nft: the kernel
asks all of them, and what one of them rejects is rejected.
"""

from collections.abc import Sequence
from pathlib import Path

from celadon.adapters import process

PROGRAMS = {4: "iptables", 6: "ip6tables"}
IPV6 = Path("/proc/net/if_inet6")  # not there where the kernel has no IPv6


def versions() -> tuple[int, ...]:
    """The versions of IP that this host speaks."""
    return (4, 6) if IPV6.exists() else (4,)


def saved(version: int) -> str:
    """The filter table, as iptables-save(8) prints it. Raises CommandError where it cannot be read."""
    return process.run([f"{PROGRAMS[version]}-save", "-t", "filter"]).out


def change(version: int, rules: Sequence[Sequence[str]]) -> None:
    """Apply all of `rules` (words of iptables-restore(8)), or none. Raises CommandError."""
    if rules:
        text = "\n".join(["*filter", *map(" ".join, rules), "COMMIT", ""])
        process.run([f"{PROGRAMS[version]}-restore", "--noflush", "--wait", "30"], stdin=text)
