"""The steps a plan is made of: frozen values, each of which can say itself in one line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celadon.locale import _, ngettext
from celadon.state.signature import Signature
from celadon.state.snapshot import Built, Move, Release, Source


@dataclass(frozen=True)
class Candidate:
    """A release in the slot where it is to run."""

    service: str
    release: str
    slot: str

    def __str__(self) -> str:
        return f"{self.service}-{self.slot}"


@dataclass(frozen=True)
class Step:
    """One thing to do. Steps `after_commit` finish a turn; `tidying` ones when users are served: they undo nothing."""

    after_commit = False
    tidying = False

    def describe(self) -> str:
        raise NotImplementedError(type(self))  # a step that cannot say itself is a bug


@dataclass(frozen=True)
class Prepare(Step):
    """Bring up what the environment's services stand on: network, backing services, router."""

    names: tuple[str, ...]
    restarts_router: bool = False
    router_image: str = ""  # the id that the router's reference is to stand for from now on; "": as it was noted

    def describe(self) -> str:
        names = ", ".join(self.names)
        if self.restarts_router:
            return _("start {names}; the router restarts with new settings: about a second without answers").format(
                names=names
            )
        return _("start {names}").format(names=names)


@dataclass(frozen=True)
class Build(Step):
    """Build the image of one service from an exact commit."""

    built: Built
    source: Source
    definition: Mapping[str, Any]

    def describe(self) -> str:
        return _("build {service} from {commit} ({subject})").format(
            service=self.built.service, commit=self.source.short, subject=self.built.subject
        )


@dataclass(frozen=True)
class Pull(Step):
    """Pull the image of one service by its exact digest."""

    built: Built
    reference: str

    def describe(self) -> str:
        return _("pull {service}: {reference}").format(service=self.built.service, reference=self.reference)


@dataclass(frozen=True)
class Freeze(Step):
    """Freeze releases: image id, environment and rendered definition, written down together.

    `image` of each is the tag whose image is taken; `document` is the one-service Compose document to keep.
    """

    releases: tuple["Frozen", ...]

    def describe(self) -> str:
        names = ", ".join(f"{f.release.service} {f.release.id}" for f in self.releases)
        return ngettext("freeze the release {names}", "freeze the releases {names}", len(self.releases)).format(
            names=names
        )


@dataclass(frozen=True)
class Frozen:
    """A release about to be frozen. `release.image_id` is "" until `image` (a tag) is known to the engine."""

    release: Release
    image: str
    document: Mapping[str, Any]
    signature: Signature | None = None  # of the commit, where signatures are asked for


@dataclass(frozen=True)
class RunTask(Step):
    """Run the service's release command once, in a container of the new image."""

    candidate: Candidate
    command: tuple[str, ...]

    def describe(self) -> str:
        return _("run `{command}` once for {service}").format(
            command=" ".join(self.command), service=self.candidate.service
        )


@dataclass(frozen=True)
class StopFirst(Step):
    """Stop the running container of a singleton before its successor starts."""

    candidate: Candidate

    def describe(self) -> str:
        return _("stop {name} first (strategy replace)").format(name=self.candidate)


@dataclass(frozen=True)
class Start(Step):
    """Start candidates beside what is live; users do not see them."""

    candidates: tuple[Candidate, ...]

    def describe(self) -> str:
        names = ", ".join(map(str, self.candidates))
        return ngettext("start the candidate {names}", "start the candidates {names}", len(self.candidates)).format(
            names=names
        )


@dataclass(frozen=True)
class ProbeInside(Step):
    """Ask candidates, or what was started again, what the router would ask them, until each is healthy."""

    candidates: tuple[Candidate, ...]

    def describe(self) -> str:
        return _("probe {names}").format(names=", ".join(map(str, self.candidates)))


@dataclass(frozen=True)
class TestRouter(Step):
    """Let the router test the configuration it will get, before anything is committed."""

    moves: tuple[Move, ...]

    def describe(self) -> str:
        return _("test the router's next configuration")


@dataclass(frozen=True)
class Commit(Step):
    """The commit point: the record moves, everything else follows it.

    `stopped`: what was stopped before its successor started, and must run again before users are given back to it.
    """

    moves: tuple[Move, ...]
    stopped: tuple[Candidate, ...] = ()

    def describe(self) -> str:
        after = [m.after.release if m.after else _("nothing") for m in self.moves]
        names = ", ".join(f"{m.service} → {release}" for m, release in zip(self.moves, after, strict=True))
        return _("commit {names}").format(names=names)


@dataclass(frozen=True)
class Switch(Step):
    """Write the router's configuration as the record has it, reload, wait until the new workers serve."""

    services: tuple[str, ...]
    after_commit = True

    def describe(self) -> str:
        return _("switch the router: {names}").format(names=", ".join(self.services))


@dataclass(frozen=True)
class Retag(Step):
    """Let the moving image tags say what the record says."""

    services: tuple[str, ...]
    after_commit = True

    def describe(self) -> str:
        return _("move the tags of {names}").format(names=", ".join(self.services))


@dataclass(frozen=True)
class Verify(Step):
    """Ask through the router as users do, and watch for `seconds`; a failure flips back."""

    candidates: tuple[Candidate, ...]
    seconds: float
    after_commit = True

    def describe(self) -> str:
        return _("verify from outside and watch for {seconds:g} s").format(seconds=self.seconds)


@dataclass(frozen=True)
class Drain(Step):
    """Wait until the router's old workers have finished their requests, for `seconds` at most."""

    seconds: float
    after_commit = tidying = True

    def describe(self) -> str:
        return _("let running requests finish (at most {seconds:g} s)").format(seconds=self.seconds)


@dataclass(frozen=True)
class Stop(Step):
    """Stop and remove the containers that users no longer reach."""

    candidates: tuple[Candidate, ...]
    after_commit = tidying = True

    def describe(self) -> str:
        return _("stop {names}").format(names=", ".join(map(str, self.candidates)))


@dataclass(frozen=True)
class Retire(Step):
    """Forget releases beyond `keep`, with their image tags."""

    releases: tuple[Release, ...]
    built: tuple[Built, ...]
    after_commit = tidying = True

    def describe(self) -> str:
        names = sorted({r.image for r in self.releases} | {b.image for b in self.built})
        return _("retire {names}").format(names=", ".join(names))


@dataclass(frozen=True)
class CleanUp(Step):
    """Remove what nothing needs any more; build cache as well where the disk is below its floor.

    Releases of `environments` only: another one may keep more of them.
    """

    environments: tuple[str, ...] = ()
    after_commit = tidying = True

    def describe(self) -> str:
        return _("clean up what nothing needs any more")


@dataclass(frozen=True)
class Heal(Step):
    """Start what the record has as live, switch the router to it, remove what nobody reaches."""

    environment: str

    def describe(self) -> str:
        return _("start what is live in {environment}").format(environment=self.environment)


@dataclass(frozen=True)
class TearDown(Step):
    """Remove an environment's containers and network; with `volumes` its data, releases and tags as well."""

    environment: str
    volumes: bool

    def describe(self) -> str:
        if self.volumes:
            return _("stop {environment}; remove its data, releases and image tags for good").format(
                environment=self.environment
            )
        return _("stop {environment}; `up` brings it back").format(environment=self.environment)


@dataclass(frozen=True)
class Unchanged:
    """A service that the plan leaves alone, and why."""

    service: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """What one deployment will do. `notes` are things to know first, one line each; `protected` asks before acting.

    `changes` says per service what users will get; it is what is shown above the steps. `promise` is what an operator
    agrees to, whatever ids it will bear: per service the release that is live, and the image and settings to come.
    """

    verb: str
    environment: str
    services: tuple[str, ...]
    steps: tuple[Step, ...]
    unchanged: tuple[Unchanged, ...] = ()
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    protected: bool = False
    promise: tuple[tuple[str, ...], ...] = ()

    @property
    def concerned(self) -> tuple[str, ...]:
        """The services that are not left alone."""
        alone = {u.service for u in self.unchanged}
        return tuple(name for name in self.services if name not in alone)

    def lines(self) -> tuple[str, ...]:
        """The plan as an operator reads it."""
        return (
            *self.changes,
            *(_("{service}: left alone, {reason}").format(service=u.service, reason=u.reason) for u in self.unchanged),
            *(_("note: {text}").format(text=note) for note in self.notes),
            *(f"{number:2d}. {step.describe()}" for number, step in enumerate(self.steps, 1)),
        )
