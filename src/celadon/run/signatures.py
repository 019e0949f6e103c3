"""Who signed the commits that are to run, as the operator's keys have it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from celadon.adapters import git, process, signatures
from celadon.adapters.signatures import Signers, Verdict
from celadon.config.policy import is_below
from celadon.config.workspace import EnvironmentConfig
from celadon.errors import CeladonError, RefusedError
from celadon.locale import _
from celadon.plan.policy_steps import VerifySignatures
from celadon.run import observe
from celadon.run.world import World
from celadon.state import evidence
from celadon.state.layout import Layout
from celadon.state.signature import Signature
from celadon.state.snapshot import Snapshot, Source


def of_sources(config: EnvironmentConfig, layout: Layout, sources: Mapping[str, Source]) -> dict[str, Signature]:
    """The signatures of the commits that are to be built, by service; none where the policy asks for none."""
    wanted = [
        Signature(name, source.commit, str(layout.workspace / source.repository))
        for name, source in sources.items()
        if not source.pulled
    ]
    return _verified(config, wanted)


def of_releases(config: EnvironmentConfig, layout: Layout, seen: Snapshot, source: str) -> dict[str, Signature]:
    """The signatures of the commits that a promote from `source` brings, by service.

    Verified again in the repository. Where that does not have the commit any more, what was verified when the release
    was deployed counts.
    """
    if not config.policy.signed:
        return {}
    wanted: list[Signature] = []
    known: dict[str, Signature] = {}
    for name, service in config.services.items():
        release = seen.live_release(source, name)
        if release is None or not service.definition.get("build"):
            continue
        try:
            repository = observe.repository(layout, service)
        except CeladonError:
            repository = None
        if repository and signatures.has(repository, release.commit):
            wanted.append(Signature(name, release.commit, str(repository)))
        else:
            known[name] = _recorded(config, layout, Signature(name, release.commit, ""), release.image_id)
    return {**known, **_verified(config, wanted, fetched=config.policy.signed.what == "tags")}


def _recorded(config: EnvironmentConfig, layout: Layout, one: Signature, image_id: str) -> Signature:
    kept = evidence.found(layout, image_id, evidence.SIGNATURE) or {}
    if {key: kept.get(key) for key in ("commit", *_asked(config))} == {"commit": one.commit, **_asked(config)}:
        return replace(one, by=str(kept.get("by")), key=str(kept.get("key")), tag=str(kept.get("tag") or ""))
    return replace(
        one,
        problem=_("the commit is not in a local repository, and its signature was not verified when it was deployed"),
    )


def _verified(config: EnvironmentConfig, wanted: list[Signature], *, fetched: bool = False) -> dict[str, Signature]:
    """By service; with `fetched`, what is not accepted is looked at again with what the remote has now: a new tag."""
    if not config.policy.signed:
        return {}

    def one(signature: Signature) -> Signature:
        found = verified(config, signature)
        if found.problem and fetched:
            with suppress(CeladonError):
                git.fetch(Path(signature.repository), signature.service)
            found = verified(config, signature)
        return found

    return {found.service: found for found in process.side_by_side(one, wanted)}


def verified(config: EnvironmentConfig, one: Signature) -> Signature:
    """The signature with what git says of it now. Raises RefusedError where the file of signers lies in the source."""
    wanted = config.policy.signed
    if wanted is None:
        return one
    repository = Path(one.repository)
    signers = Signers(*(config.folder / name if name else None for name in (wanted.ssh, wanted.openpgp)))
    for file in (signers.ssh, signers.openpgp):
        if file and is_below(file, repository):
            raise RefusedError(
                _(
                    "{file} is in the repository of {service}: anyone who can push to it could change the allowed "
                    "signers."
                ).format(file=file, service=one.service),
                hint=_(
                    "Move it out of the checkout, for example to /etc/celadon, and set its path in "
                    "x-celadon.policy.signed"
                ),
            )
    judge = signatures.of_tags if wanted.what == "tags" else signatures.of_commit
    found: Verdict = judge(repository, one.commit, signers)
    return replace(one, by=found.by, key=found.key, tag=found.tag, problem=found.problem)


def verify(world: World, step: VerifySignatures) -> None:
    """Verify again, under the lock, what was shown in the plan. Raises RefusedError for what does not hold any more."""
    for one in step.signatures:
        if not one.repository:  # as it was recorded
            continue
        now = verified(world.config, one)
        if now.problem:
            raise RefusedError(
                _("{service} {commit} does not meet the signing policy: {problem}. Nothing was changed.").format(
                    service=one.service, commit=one.short, problem=now.problem
                ),
                hint=_("Allowed signers: x-celadon.policy.signed"),
            )
        world.report.detail(
            _("{service}: {commit} is signed by {by} ({key})").format(
                service=one.service, commit=one.short, by=now.by, key=now.key
            )
        )


def document(config: EnvironmentConfig, one: Signature) -> dict[str, object]:
    """What is kept of a signature with the image."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "commit": one.commit,
        "by": one.by,
        "key": one.key,
        "tag": one.tag or None,
        **_asked(config),
        "verified": now,
    }


def _asked(config: EnvironmentConfig) -> dict[str, object]:
    """What the policy asks of signatures, as it is kept with one: another policy does not take it for its own."""
    return config.policy.signed.model_dump(mode="json") if config.policy.signed else {}
