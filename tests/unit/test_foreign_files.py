"""Files that somebody may have pushed: what is read, what is written, and what is refused."""

import os
from pathlib import Path

import pytest

from celadon.adapters.foreign_files import (
    LARGEST,
    UnsafeFile,
    checkout_of,
    chmod_inside,
    read_inside,
    require_folder,
    write_inside,
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a workspace, beside a file of somebody else's."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret").chmod(0o644)
    made = tmp_path / "shop"
    (made / "app").mkdir(parents=True)
    (made / ".git").mkdir()
    (made / "Dockerfile").write_text("FROM x\n")
    return made


def test_a_link_may_lead_to_another_place_of_the_checkout(checkout: Path) -> None:
    (checkout / "app" / "Dockerfile").symlink_to("../Dockerfile")
    (checkout / "same").symlink_to("app/../app")
    assert read_inside(checkout, checkout / "app" / "Dockerfile") == b"FROM x\n"
    assert read_inside(checkout, checkout / "same" / ".." / "Dockerfile") == b"FROM x\n"
    assert read_inside(checkout, checkout / "none" / "Dockerfile") is None
    assert read_inside(checkout, checkout / "Dockerfile" / "below") is None


@pytest.mark.parametrize(
    "target", ["../secret", "/etc/passwd", "app/../../secret", "chained", "../shop/../secret", "self"]
)
def test_no_link_leads_out_of_the_checkout(checkout: Path, target: str) -> None:
    (checkout / "chained").symlink_to("app/up")
    (checkout / "app" / "up").symlink_to("../../secret")
    (checkout / "self").symlink_to("self")
    if target != "self":
        (checkout / "file").symlink_to(target)
    file = checkout / ("self" if target == "self" else "file")
    secret = checkout.parent / "secret"
    for use in (
        lambda: read_inside(checkout, file),
        lambda: write_inside(checkout, file, "mine", 0o600),
        lambda: chmod_inside(checkout, file, 0o600),
    ):
        with pytest.raises(UnsafeFile):
            use()
    assert secret.read_text() == "secret" and secret.stat().st_mode & 0o777 == 0o644


def test_no_folder_leads_out_of_the_checkout(checkout: Path) -> None:
    (checkout / "up").symlink_to("..")
    for file in (checkout / "up" / "secret", checkout / ".." / "secret", checkout.parent / "secret"):
        with pytest.raises(UnsafeFile):
            read_inside(checkout, file)
    with pytest.raises(UnsafeFile):
        require_folder(checkout, checkout / "up")
    require_folder(checkout, checkout / "app")


def test_what_is_no_regular_file_is_neither_waited_for_nor_read(checkout: Path) -> None:
    os.mkfifo(checkout / "fifo")
    (checkout / "large").write_bytes(b"x" * (LARGEST + 1))
    (checkout / "most").write_bytes(b"x" * LARGEST)
    for name in ("fifo", "large", "app"):
        with pytest.raises(UnsafeFile):
            read_inside(checkout, checkout / name)
    for device in ("/dev/zero", "/dev/tty"):  # without a checkout links may lead anywhere, but not to these
        with pytest.raises(UnsafeFile):
            read_inside(None, Path(device))
    assert read_inside(checkout, checkout / "most") == b"x" * LARGEST


def test_a_file_is_written_where_a_link_inside_leads(checkout: Path) -> None:
    (checkout / "app" / "Dockerfile").symlink_to("../Dockerfile")
    write_inside(checkout, checkout / "app" / "Dockerfile", "FROM y\n", 0o640)
    assert (checkout / "app" / "Dockerfile").is_symlink() and (checkout / "Dockerfile").read_text() == "FROM y\n"
    chmod_inside(checkout, checkout / "app" / "Dockerfile", 0o600)
    assert (checkout / "Dockerfile").stat().st_mode & 0o777 == 0o600


def test_a_checkout_begins_where_others_push(checkout: Path) -> None:
    home = checkout.parent
    assert checkout_of(home, checkout / "app" / "Dockerfile") == checkout
    assert checkout_of(home, home / "config" / ".env") is None
    (home / ".git").mkdir()  # who pushes to the workspace itself writes the compose file as well
    assert checkout_of(home, home / "config" / ".env") is None
    (checkout / "out").symlink_to("../other")
    (home / "other" / ".git").mkdir(parents=True)
    assert checkout_of(home, checkout / "out" / "Dockerfile") == checkout
    (home / "linked").symlink_to(checkout)  # by the operator
    assert checkout_of(home, home / "linked" / "Dockerfile") == home / "linked"
    assert read_inside(home / "linked", home / "linked" / "Dockerfile") == b"FROM x\n"
