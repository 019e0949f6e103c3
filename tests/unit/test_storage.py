"""Where the engine keeps its images, and what one of them has for itself: read from what engines really answer."""

from pathlib import Path
from typing import Any

import pytest

from celadon.adapters import storage

CONTAINERD = [["driver-type", storage.SNAPSHOTTER]]
CLASSIC = [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]]


@pytest.mark.parametrize(
    ("status", "address", "folders"),
    [
        (CLASSIC, None, ("/data",)),
        (CLASSIC, "/run/containerd/containerd.sock", ("/data",)),
        (CONTAINERD, "/run/containerd/containerd.sock", ("/data", "/var/lib/containerd")),
        (CONTAINERD, "/var/run/docker/containerd/containerd.sock", ("/data", "/data/containerd/daemon")),
        (CONTAINERD, "/srv/exec/containerd/containerd.sock", ("/data", "/data/containerd/daemon")),
        (CONTAINERD, "/run/user/1000/docker/containerd/containerd.sock", ("/data", "/data/containerd/daemon")),
    ],
)
def test_the_folders_that_hold_images(
    status: list[list[str]], address: str | None, folders: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "CONTAINERD_SETTINGS", Path("/nowhere"))  # this host may have its own
    info = {
        "DockerRootDir": "/data",
        "DriverStatus": status,
        **({"Containerd": {"Address": address}} if address else {}),
    }
    assert storage.folders(info) == tuple(map(Path, folders))


@pytest.mark.parametrize(
    ("settings", "root"),
    [('version = 2\nroot = "/big/containerd"\n', "/big/containerd"), ("version = 2\n", "/var/lib/containerd"),
     ("root = ", "/var/lib/containerd")],
)  # fmt: skip
def test_the_systems_containerd_says_where_its_root_is(
    settings: str, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(settings)
    monkeypatch.setattr(storage, "CONTAINERD_SETTINGS", file)
    info = {"DockerRootDir": "/data", "DriverStatus": CONTAINERD}
    assert storage.folders(info)[1:] == (Path(root),)


def manifest(content: int, unpacked: int) -> dict[str, Any]:
    sizes = {"Content": content, "Total": content + unpacked}
    return {"Kind": "image", "Size": sizes, "ImageData": {"Size": {"Unpacked": unpacked}}}


@pytest.mark.parametrize(
    ("image", "own"),
    [
        ({"Size": 300, "SharedSize": 290}, 10),
        ({"Size": 300, "SharedSize": -1}, 300),  # not reckoned
        ({"Size": 900, "SharedSize": 540, "Manifests": [manifest(300, 600)]}, 90),
        ({"Size": 900, "SharedSize": 600, "Manifests": [manifest(300, 600)]}, 0),
        ({"Size": 300, "SharedSize": 0, "Manifests": [manifest(300, 0)]}, 300),  # pulled for another platform
        # with what a builder attests beside it, which is never unpacked
        ({"Size": 905, "SharedSize": 300, "Manifests": [manifest(300, 600), {"Kind": "attestation"}]}, 453),
    ],
)
def test_an_image_has_for_itself_what_no_other_one_shares(image: dict[str, Any], own: int) -> None:
    assert storage.own(image) == own
