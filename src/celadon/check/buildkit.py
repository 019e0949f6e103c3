"""What BuildKit's own lint says, under `buildkit/` and its rule's name, less what Celadon's rules say themselves."""

from collections.abc import Iterator

from celadon.check.facts import INFO, WARNING, Build, Finding, Rule
from celadon.config.positions import Place
from celadon.locale import _

OURS = ("JSONArgsRecommended", "SecretsUsedInArgOrEnv")  # dockerfile/shell-form, dockerfile/secret
NOT_ASKED = Rule(
    "buildkit/no-answer", INFO, _("its own lint needs the engine, and the images that the Dockerfile names"),
    _("docker buildx build --call=check says what was missing."),
)  # fmt: skip


def findings(build: Build) -> Iterator[Finding]:
    """The remarks of BuildKit, where it was asked."""
    if build.remarks is None:
        yield NOT_ASKED.at(build.file, build.inside(Place(1, 1)), _("BuildKit could not look at it"))
    for one in build.remarks or ():
        if one.rule not in OURS:
            rule = Rule(f"buildkit/{one.rule}", WARNING, _("BuildKit's own lint says so"), one.url)
            yield rule.at(build.file, build.inside(Place(max(1, one.line), 1)), one.detail)
