"""Builds that reach the internet, but neither this host nor a metadata service: `build.network: isolated`."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from celadon.adapters import buildx, default_bridge, firewall, process
from celadon.config.model import BuildOptions
from celadon.errors import CommandError, EngineError, RefusedError
from celadon.locale import _
from celadon.plan import build_network as plan
from celadon.run.world import World

RESOLV_CONF, OF_SYSTEMD = Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")
DAEMON_JSON = Path("/etc/docker/daemon.json")
OPEN = "x-celadon.build.network: open"
LAST_STEPS = 10.0  # seconds that the engine may take to end the steps of a build that was stopped


@contextmanager
def isolated(world: World, service: str, definition: Mapping[str, Any]) -> Iterator[None]:
    """Where the file asks for it, the host's firewall keeps builds in the body from this host.

    Raises RefusedError where that cannot be done, or somebody took the rules away meanwhile.
    """
    if world.config.settings.build.network == "open":
        yield
        return
    _refuse_other_networks(world.config.settings.build, service, definition)
    interface = default_bridge.interface()
    if not plan.INTERFACE.fullmatch(interface):
        raise RefusedError(
            _("Builds cannot be isolated: the engine has no default bridge on this host."),
            hint=_("To build without it: {setting}").format(setting=OPEN),
        )
    _refuse_others()
    _put(interface)
    try:
        yield
        lasted = all(plan.in_force(interface, firewall.saved(version)) for version in firewall.versions())
    finally:
        remove()
    if not lasted:
        raise RefusedError(
            _("{service}: the host's firewall was reloaded during the build, which was no longer isolated.").format(
                service=service
            ),
            hint=_("Deploy again, and do not reload the firewall while a build runs."),
        )


def remove() -> tuple[str, ...]:
    """Take the rules away, whoever left them, once no step of a build runs; returns what was done, a line or none.

    The lock must be held. Who may not read the firewall leaves it as it is: root's next command removes them.
    """
    left = {version: rules for version in firewall.versions() if (rules := _removal(version))}
    if left:
        _wait_for_steps()
    for version, rules in left.items():
        firewall.change(version, rules)
    return (_("removed the firewall rules that a killed build left"),) if left else ()


def _removal(version: int) -> list[plan.Rule]:
    try:
        return plan.removal(firewall.saved(version))
    except CommandError:
        return []


def _wait_for_steps() -> None:
    """A step whose build was stopped may run for a moment longer; none does without an engine."""
    end = time.monotonic() + LAST_STEPS
    with suppress(CommandError, EngineError):
        while default_bridge.has_steps() and time.monotonic() < end:
            process.pause(0.1)


def _put(interface: str) -> None:
    """Raises RefusedError, and leaves nothing behind, where the firewall does not take all of the rules."""
    try:
        resolvers = plan.resolvers(*map(_text, (RESOLV_CONF, OF_SYSTEMD, DAEMON_JSON)))
        for version in firewall.versions():
            firewall.change(version, plan.rules(interface, version, resolvers, firewall.saved(version)))
    except CommandError as problem:
        remove()
        raise RefusedError(
            _("Builds cannot be isolated: this user cannot change the firewall of this host, or iptables is missing."),
            evidence=problem.tail or [problem.message],
            hint=_("Run it as root, with iptables installed; or, to build without it: {setting}").format(setting=OPEN),
        ) from None


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _refuse_other_networks(options: BuildOptions, service: str, definition: Mapping[str, Any]) -> None:
    """The rules are for the engine's own builder on its default bridge."""
    if not buildx.is_own(options.builder):
        raise RefusedError(
            _("x-celadon.build.network: isolated is for the engine's own builder, not for {builder}.").format(
                builder=options.builder
            ),
            hint=_("Filter that builder's own network (docs/operating.md), and set {setting}").format(setting=OPEN),
        )
    if (network := definition.get("network") or "default") not in ("default", "none"):
        raise RefusedError(
            _("{service}: `build.network: {network}` cannot be isolated from this host.").format(
                service=service, network=network
            ),
            hint=_("Remove it from the compose file, or set {setting}").format(setting=OPEN),
        )


def _refuse_others() -> None:
    """Other containers on the default bridge would be cut off from this host as well."""
    if others := sorted(default_bridge.containers().values()):
        raise RefusedError(
            _("Containers on the default bridge would lose this host while an isolated build runs: {names}").format(
                names=", ".join(others)
            ),
            hint=_(
                "Move them to a network of their own: docker network create NAME; docker run --network NAME …\n"
                "Or set {setting}"
            ).format(setting=OPEN),
        )
