"""What Celadon keeps of variables is encrypted with the key of the workspace, in one place."""

import base64
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from celadon.app.masking import mask_of
from celadon.config.load import load_environment, load_frozen
from celadon.config.outline import load_outline
from celadon.config.workspace import Outline, Rendered
from celadon.errors import ConfigError, KeyFileError
from celadon.state import encryption
from celadon.state.layout import Layout, write_private

CANARY = "c4n4ry-at-rest"


def new_key(file: Path) -> Path:
    file.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "workspace").mkdir()
    return Layout(tmp_path / "workspace", new_key(tmp_path / "shop.key"))


def plain(layout: Layout) -> Layout:
    return Layout(layout.workspace)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back_as_it_was(layout: Layout, text: str) -> None:
    file = layout.release("staging", "web", "1")
    encryption.write(layout, file, CANARY + text)
    assert encryption.read(layout, file) == CANARY + text
    kept = file.read_bytes()
    assert CANARY.encode() not in kept and base64.b64encode(CANARY.encode())[:-4] not in kept
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700
    encryption.write(plain(layout), file, text)
    assert encryption.read(layout, file) == text, "what an earlier Celadon wrote is read as it is"


def test_the_same_text_is_never_encrypted_the_same_way(layout: Layout) -> None:
    file = layout.compose("staging")
    encryption.write(layout, file, CANARY)
    first = file.read_bytes()
    encryption.write(layout, file, CANARY)
    assert first != file.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_document_that_was_changed_is_refused_in_words(layout: Layout, data: st.DataObject) -> None:
    file = layout.compose("staging")
    if not file.exists():
        encryption.write(layout, file, CANARY * 3)
        file.rename(layout.workspace / "whole")
    whole = (layout.workspace / "whole").read_bytes()
    kept = bytearray(whole)
    begin = kept.index(b"\n") + 1
    if data.draw(st.booleans()):
        place = data.draw(st.integers(begin, len(kept) - 2))
        kept[place] ^= data.draw(st.integers(1, 255))
    else:
        del kept[data.draw(st.integers(begin, len(kept) - 2)) :]
    if base64_bits(kept[begin:]) == base64_bits(whole[begin:]):
        return  # only the bits that base64 pads with
    file.write_bytes(kept)
    with pytest.raises(encryption.Ruined, match=re.escape(str(file))):
        encryption.read(layout, file)


def base64_bits(text: bytes | bytearray) -> bytes | None:
    try:
        return base64.b64decode(bytes(text).strip(b"\n"), validate=True)
    except ValueError:
        return None


def test_a_document_is_good_in_its_own_place_only(layout: Layout) -> None:
    old, new = layout.release("staging", "web", "1"), layout.release("staging", "web", "2")
    encryption.write(layout, old, "PASSWORD: old")
    encryption.write(layout, new, "PASSWORD: new")
    new.write_bytes(old.read_bytes())
    with pytest.raises(encryption.Ruined):
        encryption.read(layout, new)


def test_a_moved_workspace_is_still_read(layout: Layout, tmp_path: Path) -> None:
    encryption.write(layout, layout.compose("staging"), CANARY)
    layout.workspace.rename(tmp_path / "moved")
    moved = Layout(tmp_path / "moved", layout.key)
    assert encryption.read(moved, moved.compose("staging")) == CANARY


def test_without_the_key_the_error_names_it_and_nothing_is_lost(layout: Layout) -> None:
    assert layout.key
    file = layout.compose("staging")
    encryption.write(layout, file, CANARY)
    kept, key = file.read_bytes(), layout.key.read_text()
    layout.key.unlink()
    for refused in (encryption.rewrite, encryption.key_of):
        with pytest.raises(KeyFileError, match=f"{layout.key} cannot be read: No such file"):
            refused(layout)
    with pytest.raises(KeyFileError, match=r"is encrypted with the key [0-9a-f]{16}, which is missing") as caught:
        encryption.read(layout, file)
    assert caught.value.exit_code == 2 and str(layout.key) in caught.value.hint
    assert caught.value.evidence == (f"The key {layout.key} cannot be read: No such file or directory.",)
    new_key(layout.key)
    with pytest.raises(KeyFileError) as caught:
        encryption.read(layout, file)
    assert "holds another key" in caught.value.evidence[0]
    with pytest.raises(KeyFileError, match="which is missing"):
        encryption.rewrite(layout)
    assert file.read_bytes() == kept
    layout.key.write_text(key)
    assert encryption.read(layout, file) == CANARY


def test_what_is_kept_follows_the_key_that_the_workspace_names(layout: Layout, tmp_path: Path) -> None:
    """Switched on, given another key, and switched off again: all documents, the order of renderings included."""
    files = [layout.rendered("staging", "rendered-b"), layout.rendered("staging", "rendered-a")]
    files += [layout.compose("staging"), layout.release("production", "web", "1")]
    for number, file in enumerate(files):
        encryption.write(plain(layout), file, f"{CANARY}: {file.name}")
        os.utime(file, ns=(number * 10**9, number * 10**9 + 7))
    left = layout.compose("staging").with_name(".new.compose.yaml")
    write_private(left, CANARY)
    other = Layout(layout.workspace, new_key(tmp_path / "other.key"))
    for now, begins in ((layout, "# Encrypted"), (other, "# Encrypted"), (plain(layout), CANARY)):
        assert encryption.rewrite(now) == len(files)
        assert all(file.read_text().startswith(begins) for file in files)
        assert all(encryption.read(now, file) == f"{CANARY}: {file.name}" for file in files)
        assert [file.stem for file in now.every_rendered("staging")] == ["rendered-b", "rendered-a"]
        assert not left.exists()
        before = [file.stat().st_ino for file in files]
        assert encryption.rewrite(now) == 0
        assert [file.stat().st_ino for file in files] == before, "nothing is written anew for nothing"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_a_key_that_others_may_read_is_refused(layout: Layout, mode: int) -> None:
    assert layout.key
    layout.key.chmod(mode)
    with pytest.raises(KeyFileError, match=f"not yours alone \\(mode {mode:04o}\\)"):
        encryption.write(layout, layout.compose("staging"), CANARY)
    assert not layout.compose("staging").exists()


def test_a_key_of_another_user_is_refused(layout: Layout) -> None:
    assert layout.key
    if os.geteuid() == 0:
        os.chown(layout.key, 12345, 12345)
        with pytest.raises(KeyFileError, match="not yours alone"):
            encryption.key_of(layout)


def test_a_key_in_the_workspace_is_refused(layout: Layout, tmp_path: Path) -> None:
    inside = new_key(layout.workspace / "shop.key")
    (tmp_path / "link").symlink_to(inside)
    for place in (inside, tmp_path / "link", tmp_path / "workspace" / ".." / "workspace" / "shop.key"):
        with pytest.raises(KeyFileError, match="lies in the workspace"):
            encryption.key_of(Layout(layout.workspace, place))


@pytest.mark.parametrize("content", ["", "short", "AGE-SECRET-KEY-1", base64.b64encode(bytes(31)).decode(), "é" * 44])
def test_what_is_no_key_is_refused(layout: Layout, content: str) -> None:
    assert layout.key
    layout.key.write_text(content)
    with pytest.raises(KeyFileError, match="is not a key"):
        encryption.key_of(layout)


def test_a_folder_or_a_pipe_is_no_key(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("folder", "pipe"):
        with pytest.raises(KeyFileError):
            encryption.key_of(Layout(layout.workspace, tmp_path / name))


RENDERING = """
name: shop
x-celadon: {environments: {staging: {listen: [1], url: "http://x"}}}
services: {web: {image: x, x-celadon: {}, environment: {API_TOKEN: %s}}}
"""


def test_encrypted_values_are_hidden_as_well_and_nothing_is_shown_where_they_cannot_be(layout: Layout) -> None:
    folder = layout.workspace
    outline = Outline("shop", folder, folder / "compose.yaml", ("staging",), ("web",))
    config = load_frozen(RENDERING % "another-one", "shop", folder, folder / "compose.yaml", "staging")
    encryption.write(layout, layout.release("staging", "web", "1"), RENDERING % CANARY)
    assert CANARY not in mask_of(outline, layout, (config,))(f"its password is {CANARY}")
    assert layout.key
    layout.key.unlink()
    with pytest.raises(KeyFileError):
        mask_of(outline, layout, (config,))


FILE = """
name: shop
x-celadon:
  environments: {staging: {listen: [1], url: "http://x"}}
  encryption: %s
services: {web: {image: x, x-celadon: {}}}
"""


def test_the_names_of_a_workspace_include_its_key(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    for written, key in (("{key: /etc/celadon/shop.key}", "/etc/celadon/shop.key"), ("", "")):
        file.write_text(FILE % written)
        assert load_outline(file).key == key
    for written in ("{key: shop.key}", '{key: "${KEY}"}', "{key: 5}", "yes", "{}", "[a]", '{key: "/a\\nb"}'):
        file.write_text(FILE % written)
        with pytest.raises(ConfigError) as caught:
            load_outline(file)
        assert "x-celadon.encryption.key: should be an absolute path" in caught.value.evidence[0]


def test_a_key_that_only_an_included_file_names_is_refused(tmp_path: Path) -> None:
    """Verbs that look would not know of it, and write in plain text."""
    file = tmp_path / "compose.yaml"
    file.write_text(FILE % "")
    with pytest.raises(ConfigError) as caught:
        load_environment(file, "staging", lambda *_: Rendered(FILE % "{key: /etc/celadon/shop.key}"))
    assert "x-celadon.encryption: should stand in compose.yaml itself" in caught.value.evidence[0]
