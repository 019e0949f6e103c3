"""A lost record, rebuilt from what else knows: frozen documents, the containers' labels, the router's configuration."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network

import yaml

from celadon.adapters import docker, nginx
from celadon.config.positions import Loader
from celadon.config.values import NAME
from celadon.locale import _
from celadon.plan.network import Network
from celadon.plan.release_label import unpacked
from celadon.plan.render import RELEASE_KEY
from celadon.run import observe
from celadon.state import encryption
from celadon.state.layout import Layout
from celadon.state.record import Record
from celadon.state.snapshot import IN_SLOT, Container, Live, Release


def rebuild(record: Record, layout: Layout, workspace: str, found: Sequence[Container]) -> list[str]:
    """Fill an empty record; `found` are the workspace's containers. Returns what to tell the operator, if anything.

    What is live is what the router in force leads to; a worker's is the one that runs longest, since a candidate is
    younger. The history is lost. Where the frozen documents are lost as well, those of what runs come from labels.
    """
    if any(observe.is_namesakes(c, layout) for c in found):
        return []  # not ours to take: whoever acts here is refused
    slots = [c for c in found if c.role == IN_SLOT]
    releases = {(r.environment, r.service, r.id): r for r in _releases(layout)}
    for container in slots:
        key = (container.environment, container.service, container.release)
        if key not in releases and (made := _of_label(layout, container)):
            releases[key] = made
    environments = dict.fromkeys([*(name for name, _service, _id in releases), *(c.environment for c in slots)])
    subnets = {name: subnet for name in environments if (subnet := docker.subnet(f"{workspace}-{name}_default"))}
    ours = [c for c in slots if (c.environment, c.service, c.release) in releases and c.environment in subnets]
    places = {
        (c.environment, c.service, c.slot): Network(IPv4Network(subnets[c.environment])).place(c.address)
        for c in ours
        if c.address
    }
    renderings = {name: kept[-1].stem for name in environments if (kept := layout.every_rendered(name))}
    if not releases or not record.rebuild(releases.values(), _live(layout, ours), subnets, places, renderings):
        return []
    return [
        _("The record was lost; it was rebuilt from {releases} frozen releases and {containers} containers.").format(
            releases=len(releases), containers=len(ours)
        ),
        _("Look whether it is right: celadon status. What was deployed when is not known any more."),
    ]


def _of_label(layout: Layout, container: Container) -> Release | None:
    """The release that a container was made of, written down again.

    None for one of an older Celadon, and for one whose labels no Celadon wrote: they name a path.
    """
    names = (container.environment, container.service, container.release)
    label, environment = docker.frozen(container.id)
    if not label or not all(map(NAME.fullmatch, names)):
        return None
    try:
        document = unpacked(label, environment)
        release = Release(**{**document[RELEASE_KEY], "served": True})
    except (ValueError, KeyError, TypeError):
        return None
    if names != (release.environment, release.service, release.id):
        return None
    encryption.write(layout, layout.release(*names), yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return release


def _releases(layout: Layout) -> Iterable[Release]:
    for file in layout.every_release():
        found = yaml.load(encryption.read(layout, file), Loader).get(RELEASE_KEY)  # noqa: S506 (a safe loader)
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
