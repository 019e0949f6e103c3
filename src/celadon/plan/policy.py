"""What the policy of an environment adds to a plan: verified signatures, scans, SBOMs; or a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass

from celadon.config.workspace import EnvironmentConfig
from celadon.errors import RefusedError
from celadon.locale import _
from celadon.plan.policy_steps import KeepSbom, Scan, VerifySignatures
from celadon.plan.steps import Step
from celadon.state.signature import Signature
from celadon.state.snapshot import Snapshot

DIGEST = "sha256:"  # how the "commit" of an image from a registry begins


@dataclass(frozen=True)
class Asked:
    """What a policy adds: steps before all others, steps between the images and their start, and notes."""

    first: tuple[Step, ...]
    inspections: tuple[Step, ...]
    notes: tuple[str, ...]


def asked(config: EnvironmentConfig, snapshot: Snapshot, images: Mapping[str, tuple[str, str]]) -> Asked:
    """What is asked of `images`: commit and tag by service. Raises RefusedError where one is not signed as it must."""
    commits = {service: commit for service, (commit, _tag) in images.items()}
    policy = config.policy
    scans = [Scan(service, tag, policy.scan) for service, (_commit, tag) in images.items() if policy.scan]
    sboms = [KeepSbom(service, tag, policy.sbom) for service, (_commit, tag) in images.items() if policy.sbom]
    return Asked(_signatures(config, snapshot, commits), (*scans, *sboms), _notes(config, commits))


def _signatures(config: EnvironmentConfig, snapshot: Snapshot, commits: Mapping[str, str]) -> tuple[Step, ...]:
    """The step that verifies who signed `commits` (by service). Raises RefusedError where one is not signed as it must.

    An image that is pulled has no commit: that is noted.
    """
    if not config.policy.signed:
        return ()
    wanted = {service: commit for service, commit in commits.items() if not commit.startswith(DIGEST)}
    unknown = _("no signature information")
    found = [
        _signature(snapshot, service, commit) or Signature(service, commit, "", problem=unknown)
        for service, commit in wanted.items()
    ]
    bad = [one for one in found if one.problem]
    if bad:
        tags = config.policy.signed.what == "tags"
        raise RefusedError(
            _("{environment} only accepts commits signed by an allowed signer. Nothing was changed.").format(
                environment=config.name
            ),
            evidence=[f"{one.service} {one.short}: {one.problem}" for one in bad],
            hint=_("Sign a tag and push it: git tag -s NAME {commit} && git push origin NAME").format(
                commit=bad[0].short
            )
            if tags
            else _(
                "Sign the commit and push: git commit --amend --no-edit -S. Allowed signers: x-celadon.policy.signed"
            ),
        )
    return (VerifySignatures(tuple(found)),) if found else ()


def _signature(snapshot: Snapshot, service: str, commit: str) -> Signature | None:
    found = snapshot.signatures.get(service)
    return found if found and found.commit == commit else None


def _notes(config: EnvironmentConfig, commits: Mapping[str, str]) -> tuple[str, ...]:
    """What the policy does not say anything of."""
    pulled = [service for service, commit in commits.items() if commit.startswith(DIGEST)]
    if not (config.policy.signed and pulled):
        return ()
    text = _("{services}: pulled as an image, so there is no commit signature to verify")
    return (text.format(services=", ".join(pulled)),)
