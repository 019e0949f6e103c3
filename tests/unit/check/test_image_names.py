"""The images that a Dockerfile names, however long it is and however it writes them."""

import time
from pathlib import Path

from celadon.check.dockerfile import parse
from celadon.check.facts import Build, Facts
from celadon.check.image_names import findings, named
from celadon.config.positions import Place, Positions


def images(text: str) -> list[str]:
    build = Build("Dockerfile", text, ("web",), Place(1, 1), "compose.yaml")
    return [image for image, _place in named(build, parse(text))]


def test_images_of_stages_mounts_and_triggers() -> None:
    text = (
        "ARG A=hub:staging\nFROM $A\nARG B=b:1\nCOPY --from=$B /a /a\nRUN --mount=type=bind,From=c:1,target=/c make\n"
        "ONBUILD RUN --mount=from=d:1,target=/d make\nONBUILD COPY --from=e:1 /e /e\n"
    )
    assert images(text) == ["hub:staging", "b:1", "c:1", "d:1", "e:1"]


def test_a_long_dockerfile_is_read_once() -> None:
    begun = time.process_time()
    assert len(images("FROM a\nONBUILD RUN " + "--mount=" * 120_000 + "\n")) == 1
    assert len(images("FROM a\n" + "COPY --from=a b c\n" * 10_000)) == 10_001
    assert time.process_time() - begun < 10


def test_an_address_needs_a_checksum(tmp_path: Path) -> None:
    seen = Facts(raw=Positions(tmp_path / "compose.yaml", {}, None), file="compose.yaml", environments=())
    text = (
        "FROM scratch\nADD a b\nADD https://x.example/a /a\nADD --checksum=sha256:1 https://x.example/a /a\n"
        'ADD --chown=1 "HTTP://x/a" /a\nADD git@x.example:a.git /a\nADD ./https/a /a\n'
    )
    build = Build("Dockerfile", text, ("web",), Place(1, 1), "compose.yaml", path="Dockerfile")
    assert [one.line for one in findings(seen, build) if one.rule == "dockerfile/add-address"] == [3, 5, 6]
