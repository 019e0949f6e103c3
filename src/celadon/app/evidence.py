"""What is kept of the images of releases: for `celadon releases`."""

from typing import Any

from celadon.app import looking
from celadon.app.workspace import Workspace
from celadon.errors import UsageError
from celadon.locale import _
from celadon.state import evidence
from celadon.state.snapshot import Release


def of_release(workspace: Workspace, release: Release) -> dict[str, Any]:
    """The files of provenance and SBOM, the verified signature and the last scan; None for what there is not."""
    layout, image = workspace.layout, release.image_id
    files = {kind: evidence.file(layout, image, kind) for kind in (evidence.PROVENANCE, evidence.SBOM)}
    return {
        **{kind: str(file) if file and file.exists() else None for kind, file in files.items()},
        "signature": evidence.found(layout, image, evidence.SIGNATURE),
        "scan": evidence.found(layout, image, evidence.scan(release.environment)),
    }


def document(
    workspace: Workspace, environment: str | None, service: str | None, release_id: str, kind: str
) -> dict[str, Any]:
    """One document of a kept release. Raises UsageError where there is no such release, or nothing is kept of it."""
    known = [release for release, _mark in looking.releases(workspace, environment, service)]
    named = [one for one in known if one.id == release_id]
    if not named:
        raise UsageError(
            _("Release {release} not found.").format(release=release_id),
            hint=_("Kept: {releases}").format(releases=", ".join(one.id for one in known) or _("none")),
        )
    images = {one.image_id for one in named}
    if len(images) > 1:
        raise UsageError(
            _("Several services have a release {release}.").format(release=release_id),
            hint=f"celadon releases {named[0].environment} {named[0].service} --{kind} {release_id}",
        )
    kept = evidence.found(workspace.layout, named[0].image_id, kind)
    if kept is None:
        raise UsageError(
            _("{service} {release}: no {kind} is stored.").format(
                service=named[0].service, release=release_id, kind=kind
            ),
            hint=_(
                "Provenance is stored for images that Celadon builds, an SBOM only if x-celadon.policy.sbom is set."
            ),
        )
    return kept
