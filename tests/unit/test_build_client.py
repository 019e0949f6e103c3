"""What Buildx is given beside its command line."""

import json
from pathlib import Path

import pytest

from celadon.adapters import build_client

PROXY = "http://team:s3cret@proxy:3128"


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's settings of this user."""
    folder = tmp_path / "own"
    (folder / "contexts").mkdir(parents=True)
    (folder / "contexts" / "meta").write_text("known")
    proxies = {"default": {"noProxy": "here"}, "unix:///var/run/docker.sock": {"httpProxy": "http://other"}}
    (folder / "config.json").write_text(json.dumps({"auths": {"registry": {}}, "proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


def test_values_are_on_no_command_line_but_for_those_that_would_change_the_client() -> None:
    arguments = {
        "TOKEN": "s3cret",
        "MY_PROXY": PROXY,
        "NONE": None,
        "NO_PROXY": "here",
        "HTTPS_PROXY": "http://plain",
        "BUILDKIT_SYNTAX": "docker/dockerfile:1",
        "http_proxy": PROXY,
    }
    words = build_client.words(arguments)
    assert words[1::2] == [
        "TOKEN",
        "MY_PROXY",
        "NONE",
        "NO_PROXY=here",
        "HTTPS_PROXY=http://plain",
        "BUILDKIT_SYNTAX=docker/dockerfile:1",
    ]
    assert build_client.variables(arguments) == {"TOKEN": "s3cret", "MY_PROXY": PROXY}


def test_a_proxy_with_a_login_stands_in_a_private_copy_of_dockers_settings(own: Path) -> None:
    with build_client.environment({"http_proxy": PROXY, "A": "b"}, {}) as given:
        copy = Path(given["DOCKER_CONFIG"])
        assert given == {"A": "b", "DOCKER_CONFIG": str(copy)}
        file = copy / "config.json"
        assert file.stat().st_mode & 0o777 == 0o600 and copy.stat().st_mode & 0o777 == 0o700
        assert json.loads(file.read_text()) == {
            "auths": {"registry": {}},
            "proxies": {
                "default": {"noProxy": "here", "httpProxy": PROXY},
                "unix:///var/run/docker.sock": {"httpProxy": PROXY},
            },
        }
        assert (copy / "contexts" / "meta").read_text() == "known"
    assert not copy.exists() and "s3cret" not in (own / "config.json").read_text()


def test_the_policy_is_a_file_as_long_as_the_build_runs() -> None:
    with build_client.environment({build_client.POLICY: "theirs"}, {"rules": []}) as given:
        file = Path(given[build_client.POLICY])
        assert json.loads(file.read_text()) == {"rules": []}
    assert not file.exists()
