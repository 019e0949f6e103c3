"""The pair that signs tokens: it matches, it is made once, and openssl agrees."""

import subprocess
from pathlib import Path

import pytest

from celadon.adapters.drafts import write
from celadon.setup import keys


def openssl(*words: str) -> str:
    return subprocess.run(["openssl", *words], check=True, capture_output=True, text=True).stdout


def test_a_pair_is_made_that_matches(tmp_path: Path) -> None:
    write(keys.drafts(tmp_path))
    private, public = tmp_path / keys.PRIVATE, tmp_path / keys.PUBLIC
    assert (private.stat().st_mode & 0o777, public.stat().st_mode & 0o777) == (0o600, 0o644)
    assert openssl("pkey", "-in", str(private), "-pubout") == public.read_text()
    assert "3072 bit" in openssl("pkey", "-in", str(private), "-noout", "-text")
    (tmp_path / "token").write_text("header.payload")
    openssl("dgst", "-sha256", "-sign", str(private), "-out", str(tmp_path / "signed"), str(tmp_path / "token"))
    said = openssl("dgst", "-sha256", "-verify", str(public), "-signature", str(tmp_path / "signed"),
                   str(tmp_path / "token"))  # fmt: skip
    assert said.strip() == "Verified OK"
    assert keys.remark(tmp_path) == ""


def test_a_pair_that_is_there_is_kept_and_its_modes_are_mended(tmp_path: Path) -> None:
    write(keys.drafts(tmp_path))
    before = (tmp_path / keys.PRIVATE).read_text()
    (tmp_path / keys.PRIVATE).chmod(0o644)
    assert [draft.changes for draft in keys.drafts(tmp_path)] == [True, False]
    write(keys.drafts(tmp_path))
    assert (tmp_path / keys.PRIVATE).read_text() == before
    assert (tmp_path / keys.PRIVATE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("make", [("genrsa", "-traditional", "2048"), ("ecparam", "-name", "prime256v1", "-genkey")])
def test_the_public_key_comes_from_a_private_one_that_is_there(tmp_path: Path, make: tuple[str, ...]) -> None:
    (tmp_path / "config" / "keys").mkdir(parents=True)
    (tmp_path / keys.PRIVATE).write_text(openssl(*make))
    write(keys.drafts(tmp_path))
    assert openssl("pkey", "-in", str(tmp_path / keys.PRIVATE), "-pubout") == (tmp_path / keys.PUBLIC).read_text()


def test_a_public_key_alone_is_somebody_elses(tmp_path: Path) -> None:
    write(keys.drafts(tmp_path))
    (tmp_path / keys.PRIVATE).unlink()
    assert keys.drafts(tmp_path) == ()
    assert "jwt_public.pem is there without its private key" in keys.remark(tmp_path)


def test_a_private_key_with_a_password_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config" / "keys").mkdir(parents=True)
    text = openssl("genrsa", "-aes128", "-passout", "pass:hunter2", "2048")
    (tmp_path / keys.PRIVATE).write_text(text)
    write(keys.drafts(tmp_path))
    assert (tmp_path / keys.PRIVATE).read_text() == text
    assert not (tmp_path / keys.PUBLIC).exists()
    assert "cannot be opened here" in keys.remark(tmp_path)


def test_a_pair_that_does_not_match_is_told_and_left_alone(tmp_path: Path) -> None:
    write(keys.drafts(tmp_path))
    (tmp_path / keys.PUBLIC).write_text("-----BEGIN PUBLIC KEY-----\n")
    assert not any(draft.changes for draft in keys.drafts(tmp_path))
    assert "is not the public key of" in keys.remark(tmp_path)
