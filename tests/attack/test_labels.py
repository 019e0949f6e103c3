"""Who can push an image or a Dockerfile chooses its labels, and every container shows the labels of its image."""

import json
from pathlib import Path

import pytest

from tests.e2e.workspace import Workspace, run


def with_labels(name: str, **labels: str) -> str:
    """An image that carries these labels of Celadon's, as a Dockerfile could."""
    words = [word for key, value in labels.items() for word in ("--change", f"LABEL celadon.{key}={json.dumps(value)}")]
    source = run(["docker", "create", "python:3.14-slim"]).strip()
    try:
        run(["docker", "commit", *words, "--change", 'CMD ["sleep", "600"]', source, name])
    finally:
        run(["docker", "rm", source])
    return name


def test_a_container_is_not_what_the_labels_of_its_image_say(shop: Workspace, tmp_path: Path) -> None:
    service = shop.unique("shop")
    lies = {"workspace": shop.name, "environment": "staging", "service": service, "folder": str(shop.folder)}
    dockerfile = (shop.folder / service / "Dockerfile").read_text()
    said = {"workspace": "other", "environment": "production", "role": "task", "slot": "green", "fingerprint": "x"}
    said |= {"folder": "/", "release": "1", "document": "eJw"}
    lines = "".join(f"LABEL celadon.{key}={value}\n" for key, value in said.items())
    shop.commit("shop", {"Dockerfile": dockerfile + lines}, "labels of Celadon's own")
    shop.celadon("deploy", "staging")
    assert shop.version("/shop") == "1" and shop.slots() == ["shop-blue"]
    form = "{{json .Config.Labels}}"
    marks = json.loads(run(["docker", "inspect", "--format", form, f"{shop.name}-staging-{service}-blue-1"]))
    assert {key: marks[f"celadon.{key}"] for key in ("workspace", "environment", "role", "slot", "fingerprint")} == {
        "workspace": shop.name, "environment": "staging", "role": "slot", "slot": "blue", "fingerprint": ""
    }  # fmt: skip
    assert shop.celadon("env", "run", "staging", service, "--", "echo", "done").out.strip() == "done"

    other = tmp_path / "other"  # what looks like another workspace of the same name
    (other / ".celadon").mkdir(parents=True)
    (other / ".celadon" / "state.db").touch()
    forged = [
        {**lies, "role": "task"},
        {**lies, "role": "run"},
        {**lies, "role": "router"},
        {**lies, "role": "slot", "slot": "green", "release": "../../../../x", "document": "eJw"},
        {**lies, "role": "backing", "folder": str(other)},
    ]
    images = [with_labels(f"{shop.name}-forged:{number}", **labels) for number, labels in enumerate(forged)]
    running = [run(["docker", "run", "--detach", image]).strip() for image in images]
    # As Celadon 0.1 made them: labels of the container itself, and no annotation.
    marks_of_old = [word for key, value in forged[0].items() for word in ("--label", f"celadon.{key}={value}")]
    run(["docker", "create", "--name", f"{shop.name}-old", *marks_of_old, "python:3.14-slim"])
    try:
        healed = shop.celadon("reconcile").out
        assert f"removed {shop.name}-old" in healed and healed.count("removed") == 1, healed
        assert "Nothing to do" in shop.celadon("reconcile").out
        for file in (shop.folder / ".celadon").glob("state.db*"):
            file.unlink()
        assert "from 1 frozen releases and 1 containers" in shop.celadon("status").err
        shop.celadon("deploy", "staging", "--force")
        assert shop.version("/shop") == "1" and "shop-green" in shop.slots()
        shop.celadon("down", "staging", "--volumes", "-y")
        left = run(["docker", "ps", "--no-trunc", "--quiet"]).split()
        assert set(running) <= set(left)
    finally:
        run(["docker", "rm", "--force", *running], check=False)
        run(["docker", "image", "rm", "--force", *images], check=False)


def test_an_image_of_another_workspace_is_not_taken_for_ones_own(
    shop: Workspace, registry: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    theirs = Workspace(tmp_path_factory.mktemp("theirs"))
    try:
        theirs.add("web", route="/web")
        name = theirs.unique("web")
        tag = f"{registry}/{name}:v1"
        run(["docker", "buildx", "build", "--quiet", "--load", "--label", f"celadon.workspace={shop.name}",
             "--label", f"celadon.service={name}", "--tag", tag, str(theirs.folder / name)])  # fmt: skip
        run(["docker", "push", "--quiet", tag])
        run(["docker", "image", "rm", tag])
        del theirs.services[name]["build"]
        theirs.services[name]["image"] = tag
        theirs.write()
        theirs.celadon("deploy", "staging")
        before = theirs.images()
        shop.celadon("deploy", "staging")
        assert "Nothing to do" in shop.celadon("reconcile").out
        assert theirs.images() == before
        assert "Nothing to do" not in theirs.celadon("plan", "deploy", "staging", "--force").out
    finally:
        theirs.remove()
