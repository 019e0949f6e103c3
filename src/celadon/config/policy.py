"""What must hold before an image starts in an environment: `policy` in `x-celadon`. Without it nothing is asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from celadon.config.fields import Patience, Text
from celadon.config.secrets import Word
from celadon.locale import _

LINKS = 40  # one after the other, as the kernel has it
IMAGE = "{image}"  # stands for the image's id in a command


def _words(value: object) -> object:
    if value is not None and (not isinstance(value, (list, tuple)) or not value):
        raise ValueError(_("should be a list such as [trivy, image, --exit-code, 1]; it does not run in a shell"))
    return value


Command = Annotated[tuple[Word, ...] | None, BeforeValidator(_words, json_schema_input_type=tuple[str, ...])]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Signed(_Part):
    """Who must have signed what is built: SSH keys in a file of allowed signers, OpenPGP keys in a GnuPG folder."""

    ssh: Text | None = None
    openpgp: Text | None = None
    what: Literal["commits", "tags"] = "commits"

    @model_validator(mode="after")
    def _has_signers(self) -> "Signed":
        if self.ssh is None and self.openpgp is None:
            raise ValueError(_("should set the allowed signers: `ssh`, `openpgp` or both"))
        return self


def _signed(value: object) -> object:
    if value is not None and not isinstance(value, (str, dict, Signed)):
        raise ValueError(_("should be a file of allowed signers, or a mapping with `ssh` or `openpgp`"))
    return {"ssh": value} if isinstance(value, str) else value


class Policy(_Part):
    """Conditions for images; `timeout` is for each of the commands."""

    signed: Annotated[Signed | None, BeforeValidator(_signed, json_schema_input_type=str | Signed)] = None
    scan: Command = None
    sbom: Command = None
    timeout: Patience = 600.0
    pinned: Literal["optional", "required"] = "optional"

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        if not isinstance(value, (Mapping, Policy)):
            raise ValueError(_("should be a mapping such as {example}").format(example="{scan: [trivy, image]}"))
        return value


def for_image(command: tuple[str, ...], image: str) -> list[str]:
    """The words of a command for an image, which comes last where its place is not marked."""
    words = [word.replace(IMAGE, image) for word in command]
    return words if any(IMAGE in word for word in command) else [*words, image]


def is_below(file: Path, folder: Path) -> bool:
    """Whether a file lies below a folder, by its path or by a link on its way: whoever writes there decides what it
    says."""
    homes = (folder.absolute(), folder.resolve())
    way = Path.cwd() / file
    for _turn in range(LINKS):
        if any(one.is_relative_to(home) for home in homes for one in (way, way.parent.resolve() / way.name)):
            return True
        if not way.is_symlink():
            return way.resolve().is_relative_to(homes[1])
        way = way.parent.resolve() / way.readlink()
    return True
