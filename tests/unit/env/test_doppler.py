"""`env pull` from a server that answers as Doppler does: what is written, and what every failure says."""

import json
import time
from email.utils import formatdate

import pytest

from celadon.adapters import compose
from celadon.config.load import load_environment, load_frozen
from tests.doppler import CUT, DRIP, TOKEN, doppler
from tests.unit.env.team import Team

SECRETS = {"doppler": {"project": "shop", "token": "${TOKEN_OF_TEST:-}"}}
GIVEN = {"B": "c4n4ry b", "A": "c4n4ry", "DOPPLER_CONFIG": "staging"}


@pytest.fixture(autouse=True)
def _asks_doppler(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.write(SECRETS)
    monkeypatch.setenv("TOKEN_OF_TEST", TOKEN)
    monkeypatch.setattr("celadon.adapters.doppler.SILENCE", 1.0)


def pull(team: Team, monkeypatch: pytest.MonkeyPatch, *answers: object, expect: int = 0, words: tuple[str, ...] = ()
         ) -> tuple[str, list[dict[str, object]]]:  # fmt: skip
    """What a pull said, and what the server was asked."""
    with doppler(*answers) as server:
        monkeypatch.setenv("DOPPLER_API_HOST", server.host)
        said = team.celadon("env", "pull", "staging", *(words or ("-y",)), expect=expect)
        assert "c4n4ry" not in said
        return said, server.asked


def test_what_doppler_has_is_written_whole_and_private(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.put("A=old\nB='c4n4ry b'\nGONE=1\n")
    team.file().chmod(0o644)
    said, asked = pull(team, monkeypatch, GIVEN)
    assert team.file().read_text() == 'A=c4n4ry\nB="c4n4ry b"\nDOPPLER_CONFIG=staging\n'
    assert team.file().stat().st_mode & 0o777 == 0o600
    wanted = {"project": ["shop"], "config": ["staging"], "format": ["json"]}
    path = "/v3/configs/config/secrets/download"
    assert asked == [{"path": path, "token": f"Bearer {TOKEN}", "query": wanted}]
    for line in ("!A=…", "+DOPPLER_CONFIG=…", "-GONE=…", "mode 0644 → 0600", "config/.env.staging was written"):
        assert line in said
    assert "nothing to do" in pull(team, monkeypatch, GIVEN)[0]


def test_who_only_looks_and_who_is_not_there_write_nothing(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    said, _asked = pull(team, monkeypatch, GIVEN, words=("--dry-run", "--json"))
    names = ["A", "B", "DOPPLER_CONFIG"]
    told = {"file": str(team.file()), "added": names, "changed": [], "removed": [], "written": False}
    assert json.loads(said) == told and not team.file().exists()
    assert "say yes with -y" in pull(team, monkeypatch, GIVEN, words=("--json",), expect=2)[0]
    assert not team.file().exists()
    assert json.loads(pull(team, monkeypatch, GIVEN, words=("--json", "-y"))[0])["written"]


def test_a_config_may_be_one_of_laptops(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    with doppler({"A": "1"}) as server:
        monkeypatch.setenv("DOPPLER_API_HOST", server.host)
        team.celadon("env", "pull", "development", "-y")
        assert server.asked[0]["query"]["config"] == ["development"]
    assert team.file("development").read_text() == "A=1\n"
    assert "Did you mean `development`?" in team.celadon("env", "pull", "developmnt", expect=2)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}), ("does not know this token", "→ Make a service token", "no: … 401")),
        ((403, {}), ("may not read the config staging of the project shop", "one config", "no: … 403")),
        ((404, {}), ("no config staging in a project shop", "x-celadon.secrets.doppler")),
        ((302, {"Location": "http://127.0.0.1:9/"}), ("the status 302",)),
        ({"A": "c4n4ry", "DOPPLER_CONFIG": "production"}, ("for Doppler's config production, not for staging",)),
        ({}, ("holds no variable",)),
        ({"A B": "c4n4ry"}, ("a key that no variable can be called: 'A B'",)),
        ({"A": "x\0"}, ("has no text under A",)),
        ({"A": {"c4n4ry": 1}}, ("has no text under A",)),
        ({"A": None}, ("has no text under A",)),
        ({"A": "\ud800"}, ("has no text under A",)),
    ],
)
def test_what_will_not_pass_is_not_asked_again(
    team: Team, monkeypatch: pytest.MonkeyPatch, answer: object, words: tuple[str, ...]
) -> None:
    team.put("A=old\n")
    said, asked = pull(team, monkeypatch, answer, expect=1)
    assert all(word in said for word in words), said
    assert len(asked) == 1 and team.file().read_text() == "A=old\n"


@pytest.mark.parametrize(
    "answer", [(503, {"Retry-After": "0"}), (429, {"Retry-After": "0"}), (500, {"Retry-After": "0"})]
)
def test_what_may_pass_is_asked_three_times(team: Team, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    _said, asked = pull(team, monkeypatch, answer, answer, GIVEN)
    assert len(asked) == 3 and team.file().exists()
    team.put("A=old\n")
    said, asked = pull(team, monkeypatch, answer, expect=1)
    assert len(asked) == 3 and team.file().read_text() == "A=old\n"
    assert said.count("Trying again in 0 s") == 2 and "Nothing was written" in said


def test_who_is_to_wait_too_long_is_told_how_long(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    for again in ("300", formatdate(time.time() + 300, usegmt=True)):
        said, asked = pull(team, monkeypatch, (429, {"Retry-After": again}), expect=1)
        assert "asked too often" in said and "Try again in " in said and len(asked) == 1


def test_a_connection_that_breaks_off_is_tried_again(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    said, asked = pull(team, monkeypatch, CUT, GIVEN)
    assert "broke before the answer was whole" in said and len(asked) == 2


def test_a_server_that_drips_has_an_end(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.write({**SECRETS, "timeout": "1s"})
    team.put("A=old\n")
    begun = time.monotonic()
    said, _asked = pull(team, monkeypatch, DRIP, expect=1)
    assert "gave no whole answer in time" in said and time.monotonic() - begun < 2.5
    assert team.file().read_text() == "A=old\n"


def test_nobody_there_is_said_in_words(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.write({**SECRETS, "timeout": "1s"})
    monkeypatch.setenv("DOPPLER_API_HOST", "http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached" in team.celadon("env", "pull", "staging", expect=1)
    monkeypatch.setenv("DOPPLER_API_HOST", "http://example.com")
    assert "DOPPLER_API_HOST should be an https:// address" in team.celadon("env", "pull", "staging", expect=2)


def test_where_the_token_comes_from(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN_OF_TEST")
    assert "no token of Doppler's in the variable DOPPLER_TOKEN" in pull(team, monkeypatch, GIVEN, expect=2)[0]
    monkeypatch.setenv("DOPPLER_TOKEN", "dp.st.shell")
    assert pull(team, monkeypatch, GIVEN)[1][0]["token"] == "Bearer dp.st.shell"
    file = team.folder / "token-staging"
    team.write({"doppler": {"project": "shop", "token_file": "token-${CELADON_ENV}"}})
    assert "cannot be read" in pull(team, monkeypatch, GIVEN, expect=2)[0]
    file.write_text("dp.st.file\n")
    file.chmod(0o644)
    assert f"chmod 600 {file}" in pull(team, monkeypatch, GIVEN, expect=1)[0]
    file.chmod(0o600)
    assert pull(team, monkeypatch, GIVEN)[1][0]["token"] == "Bearer dp.st.file"


def test_a_login_that_lies_about_is_not_used(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    (team.folder / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(team.folder / "netrc"))
    assert pull(team, monkeypatch, GIVEN)[1][0]["token"] == f"Bearer {TOKEN}"


def test_an_environment_may_have_a_source_of_its_own(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.environments["staging"]["secrets"] = {"doppler": {"project": "other", "config": "stg", "token": TOKEN}}
    team.write(SECRETS)
    assert pull(team, monkeypatch, {"A": "1"})[1][0]["query"]["config"] == ["stg"]


def test_a_token_is_no_part_of_what_is_kept(team: Team) -> None:
    team.put("A=2001-12-14 21:59:43\nB==\n")
    file = team.folder / "compose.yaml"
    config = load_environment(file, "staging", compose.render)
    assert config.settings.secrets and TOKEN not in f"{config.text} {config}"
    kept = load_frozen(config.text, "shop", team.folder, file, "staging")
    assert kept.services == config.services
    assert kept.services["web"].definition["environment"] == {"A": "2001-12-14 21:59:43", "B": "="}
