"""The steps that a policy adds: who signed what is to run, what a scanner says of it, what it holds."""

from dataclasses import dataclass

from celadon.locale import _, ngettext
from celadon.plan.steps import Step
from celadon.state.signature import Signature


@dataclass(frozen=True)
class VerifySignatures(Step):
    """Verify once more, under the lock, who signed what is to run."""

    signatures: tuple[Signature, ...]

    def describe(self) -> str:
        names = ", ".join(f"{s.service} {s.short} ({s.by})" for s in self.signatures)
        return ngettext(
            "verify the signature of {names}", "verify the signatures of {names}", len(self.signatures)
        ).format(names=names)


@dataclass(frozen=True)
class Scan(Step):
    """Let the team's command judge the image of one service; `image` is a tag that the record knows."""

    service: str
    image: str
    command: tuple[str, ...]

    def describe(self) -> str:
        return _("scan the image of {service}: {command}").format(service=self.service, command=shown(self.command))


@dataclass(frozen=True)
class KeepSbom(Step):
    """Keep what the team's command says is in the image of one service; `image` is a tag that the record knows."""

    service: str
    image: str
    command: tuple[str, ...]

    def describe(self) -> str:
        return _("create the SBOM of {service}: {command}").format(service=self.service, command=shown(self.command))


def shown(command: tuple[str, ...]) -> str:
    """A command as a line of a plan."""
    text = " ".join(command)
    return text if len(text) <= 100 else text[:99] + "…"
