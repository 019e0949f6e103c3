"""celadon releases: what is kept."""

from pathlib import Path

import click

from celadon.app import evidence, looking
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _
from celadon.locale.words import called


@click.command("releases", help=_("Releases that are kept, and what a rollback brings back."))
@arguments.environment_or_all
@click.argument("service", required=False)
@arguments.as_json
@click.option("--provenance", metavar="RELEASE", help=_("Print the provenance of a release's image (SLSA, JSON)."))
@click.option("--sbom", metavar="RELEASE", help=_("Print the SBOM of a release's image (JSON)."))
@click.pass_obj
def command(
    folder: Path,
    environment: str | None,
    service: str | None,
    as_json: bool,
    provenance: str | None,
    sbom: str | None,
) -> None:
    workspace = open_workspace(folder)
    for kind, release_id in (("provenance", provenance), ("sbom", sbom)):
        if release_id:
            output.as_json(evidence.document(workspace, environment, service, release_id, kind))
            return
    found = looking.releases(workspace, environment, service)
    if as_json:
        output.as_json(
            [
                {**vars(release), "mark": mark or None, "evidence": evidence.of_release(workspace, release)}
                for release, mark in found
            ]
        )
        return
    heads = [_("SERVICE"), _("ENVIRONMENT"), _("RELEASE"), "", _("SUBJECT"), _("FROM"), _("CREATED"), _("IMAGE")]
    output.table(heads, [
        [r.service, r.environment, r.id, called(mark), r.subject, r.origin, r.created[:19].replace("T", " "),
         r.image_id.removeprefix("sha256:")[:12]]
        for r, mark in found
    ])  # fmt: skip
