"""Secrets that services get as files: where their contents come from, and where they go."""

import base64
from pathlib import Path

import pytest
import yaml

from celadon.config.load import load_frozen
from celadon.config.positions import read
from celadon.config.secret_files import CONTENT, content_of, with_contents
from celadon.config.workspace import EnvironmentConfig
from celadon.errors import RefusedError
from celadon.plan import release_label, render
from celadon.run import secret_files

FILE = """
name: shop
x-celadon: {environments: {staging: {listen: [1], url: "http://x"}}}
services:
  web:
    image: x
    env_file: [.env.staging]
    environment: {WRITTEN: "1"}
    secrets: [of_env_file, of_shell, written, of_file, unset, elsewhere]
    x-celadon: {}
  db: {image: x, secrets: [of_shell, of_file]}
secrets:
  of_env_file: {environment: ENV_FILE}
  of_shell: {environment: SHELL_ONE}
  written: {environment: WRITTEN}
  of_file: {file: ./one.bin}
  unset: {environment: NOBODY}
  elsewhere: {external: true}
"""


def rendered(folder: Path) -> EnvironmentConfig:
    """The file as Compose and Celadon make it: values of env files are in `environment`."""
    file = folder / "compose.yaml"
    file.write_text(FILE)
    (folder / "one.bin").write_bytes(b"\x00\xff")
    data = yaml.safe_load(FILE)
    web = data["services"]["web"]
    web["environment"] |= {"ENV_FILE": "a$$b", "OTHER": "1"}
    for service in data["services"].values():
        service["secrets"] = [{"source": one, "target": f"/run/secrets/{one}"} for one in service["secrets"]]
    data["secrets"]["of_file"]["file"] = str(folder / "one.bin")
    shell = {"of_shell": "of the shell", "written": "2", "unset": "", "of_env_file": "not this one"}
    text = with_contents(read(file), yaml.safe_dump(data), lambda names: {name: shell[name] for name in names})
    return load_frozen(text, "shop", folder, file, "staging")


def contents(definition: object) -> dict[str, bytes | None]:
    return {grant["source"]: content_of(grant) for grant in definition["secrets"]}  # type: ignore[index]


def test_contents_come_from_env_files_the_shell_and_files(tmp_path: Path) -> None:
    config = rendered(tmp_path)
    web = config.services["web"].definition
    assert contents(web) == {
        "of_env_file": b"a$b", "of_shell": b"of the shell", "written": b"2", "of_file": b"\x00\xff", "unset": None,
        "elsewhere": None,
    }  # fmt: skip
    assert web["environment"] == {"WRITTEN": "1", "OTHER": "1"}  # what is a file is no variable, unless it is written
    assert contents(config.backing["db"]) == {"of_shell": b"of the shell", "of_file": None}


def test_what_has_no_secrets_is_left_as_it_was_rendered(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices: {web: {image: x}}\n")
    text = "services: {web:   {image: x}}"
    assert with_contents(read(tmp_path / "compose.yaml"), text, lambda _names: {}) == text


def test_a_service_that_another_file_describes_has_its_secrets_too(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: shop\ninclude: [other.yaml]\nservices: {}\n")
    text = "services: {web: {secrets: [{source: one}], environment: {ONE: '1234'}}}\nsecrets: {one: {environment: ONE}}"
    made = yaml.safe_load(with_contents(read(tmp_path / "compose.yaml"), text, lambda _names: {}))
    assert contents(made["services"]["web"]) == {"one": b"1234"} and made["services"]["web"]["environment"] == {}


def test_a_secret_without_a_value_stops_the_deploy(tmp_path: Path) -> None:
    config = rendered(tmp_path)
    with pytest.raises(RefusedError, match="the secret unset has no value: NOBODY is not set"):
        render.release_document(config, config.services["web"])
    grants = [{"source": "of_file"}]
    service = type(config.services["web"])("web", config.services["web"].options, {"secrets": grants})
    with pytest.raises(RefusedError, match=r"of_file cannot be read from .*one\.bin"):
        render.release_document(config, service)


def test_contents_are_frozen_and_shown_to_nobody(tmp_path: Path) -> None:
    config = rendered(tmp_path)
    web = config.services["web"]
    web.definition["secrets"].pop(4)  # type: ignore[attr-defined]
    document = render.release_document(config, web)
    assert contents(document["services"]["web"])["of_env_file"] == b"a$b"
    label = release_label.packed(document)
    assert CONTENT not in str(release_label.unpacked(label, {})) and "of_env_file" in str(
        release_label.unpacked(label, {})
    )
    definition, files = render.secret_mounts(document["services"]["web"], "web-blue", "/frozen/$x")
    assert files["web-blue.of_env_file"] == {"file": "/frozen/$$x/of_env_file"}
    assert {"source": "web-blue.of_env_file", "target": "/run/secrets/of_env_file"} in definition["secrets"]
    assert {"source": "elsewhere", "target": "/run/secrets/elsewhere"} in definition["secrets"]
    assert CONTENT not in str(definition) and base64.b64encode(b"a$b").decode() not in str((definition, files))
    changed = yaml.safe_load(yaml.safe_dump(document))
    changed["services"]["web"]["secrets"][0][CONTENT] = base64.b64encode(b"another").decode()
    assert render.fingerprint(changed) != render.fingerprint(document)


def test_files_have_the_mode_that_is_asked_for_in_a_folder_of_our_own(tmp_path: Path) -> None:
    folder = tmp_path / "releases" / "secrets"
    content = {CONTENT: base64.b64encode(b"one").decode()}
    grants = [
        {"source": "plain", **content},
        {"source": "asked", "mode": "0440", **content},
        {"source": "number", "mode": 0o400, "uid": "nobody", **content},
        {"source": "unknown"},
    ]
    assert secret_files.write(folder, {"secrets": grants}) == str(folder)
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert modes == {"plain": 0o444, "asked": 0o440, "number": 0o400}
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700
    before = (folder / "plain").stat().st_ino
    secret_files.write(folder, {"secrets": grants})
    assert (folder / "plain").stat().st_ino == before  # a container has it mounted
    secret_files.write(folder, {"secrets": [{"source": "plain", CONTENT: base64.b64encode(b"two").decode()}]})
    assert (folder / "plain").read_bytes() == b"two"
    assert secret_files.write(tmp_path / "none", {"image": "x"}) and not (tmp_path / "none").exists()
