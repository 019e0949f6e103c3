"""A lost record, rebuilt from what else knows: frozen documents, the containers' labels, the router's configuration."""

from collections.abc import Iterable
from ipaddress import IPv4Network

import yaml

from celadon.adapters import docker, nginx
from celadon.config.positions import Loader
from celadon.locale import _
from celadon.plan.render import RELEASE_KEY, Network
from celadon.state.layout import Layout
from celadon.state.record import Record
from celadon.state.snapshot import IN_SLOT, Container, Live, Release


def rebuild(record: Record, layout: Layout, workspace: str) -> list[str]:
    """Fill an empty record; returns what to tell the operator, nothing where there was nothing to find.

    What is live is what the router in force leads to; a worker's is the one that runs longest, since a candidate is
    younger. The history is lost.
    """
    releases = list(_releases(layout))
    slots = [c for c in docker.containers(workspace) if c.role == IN_SLOT]
    environments = dict.fromkeys([*(r.environment for r in releases), *(c.environment for c in slots)])
    subnets = {name: found for name in environments if (found := docker.subnet(f"{workspace}-{name}_default"))}
    known = {(r.environment, r.service, r.id) for r in releases}
    ours = [c for c in slots if (c.environment, c.service, c.release) in known and c.environment in subnets]
    places = {
        (c.environment, c.service, c.slot): Network(IPv4Network(subnets[c.environment])).place(c.address)
        for c in ours
        if c.address
    }
    renderings = {name: kept[-1].stem for name in environments if (kept := layout.every_rendered(name))}
    if not record.rebuild(releases, _live(layout, ours), subnets, places, renderings):
        return []
    return [
        _("The record was lost; it was rebuilt from {releases} frozen releases and {containers} containers.").format(
            releases=len(releases), containers=len(ours)
        ),
        _("Look whether it is right: celadon status. What was deployed when is not known any more."),
    ]


def _releases(layout: Layout) -> Iterable[Release]:
    for file in layout.every_release():
        found = yaml.load(file.read_text(), Loader).get(RELEASE_KEY)  # noqa: S506 (a safe loader)
        if found:
            yield Release(**{**found, "served": True})  # not known any more: kept rather than lost


def _live(layout: Layout, slots: Iterable[Container]) -> dict[tuple[str, str], Live]:
    live: dict[tuple[str, str], Live] = {}
    # The last one counts: what the router leads to, without that the oldest of those that run.
    youngest_first = sorted(slots, key=lambda c: c.started, reverse=True)
    for container in sorted(youngest_first, key=lambda c: (_routed(layout, c), c.running)):
        live[container.environment, container.service] = Live(container.release, container.slot)
    return live


def _routed(layout: Layout, container: Container) -> bool:
    return bool(container.address) and nginx.leads_to(layout.router(container.environment), container.address)
