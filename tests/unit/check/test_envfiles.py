"""Env files and keys, text in: exactly what is said of them, and never a value."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celadon.check import envfiles, privacy
from celadon.check.access import Access, Mount, User, of_compose, of_image
from celadon.check.dockerfile import parse
from celadon.check.facts import IGNORED, OPEN, OUTSIDE, TRACKED, UNSAID, EnvFile, Facts, Finding, KeyFile, Stray
from celadon.config.positions import Positions

FILE = EnvFile("config/.env.staging", "/w/config/.env.staging", "")
KEY = KeyFile("keys/jwt.pem", "/w/keys/jwt.pem", private=True)
NOTHING = Facts(Positions(Path("compose.yaml"), {}, None), "compose.yaml", ())
PEM = 'KEY="-----BEGIN PRIVATE KEY-----\ncanaryMII+/a\ncanaryQw==\n-----END PRIVATE KEY-----"'


def lines(found: list[Finding]) -> list[str]:
    return [f"{f.line}:{f.column} {f.severity} {f.rule} {f.what}" for f in sorted(found)]


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("# comment\n\nA=1\nexport B='x y' # why\nC=\"#\"\nD: canary\nE\n", []),
        ("A=canary\nB=2\nA=canary2\n", ["3:1 warning env/duplicate-key A stands in line 1 already"]),
        ("A=\n", ["1:1 warning env/empty-value A is empty"]),
        ("A=''\nB=\"\"\n", ["1:1 warning env/empty-value A is empty", "2:1 warning env/empty-value B is empty"]),
        ("A=# nothing but a comment\n", ["1:1 warning env/empty-value A is empty"]),
        ("A = canary\n", ["1:1 warning env/quoting A: spaces around ="]),
        ("  A= canary\n", ["1:3 warning env/quoting A: spaces around ="]),
        ('A="canary\nB=2\n', ["1:1 error env/quoting A: the quotation is not closed"]),
        ("A='canary", ["1:1 error env/quoting A: the quotation is not closed"]),
        ('A="canary"canary\n', ["1:1 warning env/quoting A: something stands behind the quotation"]),
        ('A=canary"\n', ["1:1 warning env/quoting A: a quotation mark that has no second"]),
        ("A=it's-canary\n", []),
        ('A="a \\" canary"\n', []),
        ("A='a\\' # canary\n", ["1:1 error env/quoting A: the quotation is not closed"]),
        ("1A.b-c=canary\nexport B\n", []),
        ("MY KEY=canary\n", ["1:1 error env/quoting this line is no NAME=value"]),
        ("canary canary\n", ["1:1 error env/quoting this line is no NAME=value"]),
        (PEM.replace('"', ""), ["1:1 error env/quoting KEY: a value of several lines needs quotation marks"]),
        (PEM.removesuffix('"'), ["1:1 error env/quoting KEY: the quotation is not closed"]),
        (
            "A\ncanaryMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\ncanary=\n",
            ["2:1 error env/quoting this line is no NAME=value"],
        ),
        (f"{PEM}\nB=1\nB=2\n", ["6:1 warning env/duplicate-key B stands in line 5 already"]),
        ("\ufeffA=1\r\nA=2\r\n", ["2:1 warning env/duplicate-key A stands in line 1 already"]),
    ],
)
def test_what_an_env_file_is_told(text: str, findings: list[str]) -> None:
    found = list(envfiles.writing(replace(FILE, text=text)))
    assert lines(found) == findings
    assert "canary" not in str(found) and "canary" not in repr(replace(FILE, text=text))


@given(st.text(alphabet="Ab1_-.=:#'\" \\\n\t$é", max_size=60))
def test_nothing_that_is_written_ends_in_a_bug(text: str) -> None:
    list(envfiles.writing(replace(FILE, text=text)))


@pytest.mark.parametrize(
    ("mode", "git", "text", "findings"),
    [
        (0o600, IGNORED, "A=1", []),
        (0o600, OUTSIDE, "A=1", []),
        (0o644, IGNORED, "A=1", ["1:1 warning env/mode its mode is 0644"]),
        (0o640, IGNORED, "A=1", ["1:1 warning env/mode its mode is 0640"]),
        (0o600, TRACKED, "A=1", ["1:1 warning env/tracked git has it"]),
        (0o600, TRACKED, "A=1\nDB_PASSWORD=canary\nX_TOKEN=canary\n",
         ["1:1 error env/tracked git has it, with DB_PASSWORD, X_TOKEN"]),
        (0o600, TRACKED, "DB_PASSWORD=\n", ["1:1 warning env/tracked git has it"]),
        (0o600, OPEN, "A=1", ["1:1 warning env/not-ignored no .gitignore keeps it out"]),
        (0o600, UNSAID, "A=1", ["1:1 info env/git-refuses git does not tell"]),
    ],
)  # fmt: skip
def test_who_may_see_an_env_file(mode: int, git: str, text: str, findings: list[str]) -> None:
    found = list(
        privacy.env_files(replace(NOTHING, env_files=(replace(FILE, access=Access(mode), git=git, text=text),)))
    )
    assert lines(found) == findings
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("private", "mode", "git", "findings"),
    [
        (True, 0o600, IGNORED, []),
        (True, 0o400, OUTSIDE, []),
        (True, 0o640, OUTSIDE, ["1:1 warning keys/mode a private key whose mode is 0640"]),
        (True, 0o644, OUTSIDE, ["1:1 error keys/mode a private key whose mode is 0644"]),
        (True, 0o600, TRACKED, ["1:1 error keys/tracked git has this private key"]),
        (True, 0o600, OPEN, ["1:1 warning keys/not-ignored no .gitignore keeps this private key out"]),
        (False, 0o644, TRACKED, []),
    ],
)
def test_who_may_see_a_key(private: bool, mode: int, git: str, findings: list[str]) -> None:
    key = replace(KEY, private=private, access=Access(mode), git=git)
    assert lines(list(privacy.keys(replace(NOTHING, keys=(key,))))) == findings


ROOTS, USERS = Access(0o600, 0, 0), Access(0o600, 1000, 1000)


@pytest.mark.parametrize(
    ("access", "way", "user", "findings"),
    [
        (USERS, (), User(1000), []),
        (ROOTS, (), User(0), []),
        (ROOTS, (), None, []),
        (ROOTS, (), User(1000), ["keys/unreadable web runs as user 1000 and cannot read it: mode 0600 of user 0"]),
        (Access(0o640, 0, 1000), (), User(1000, 1000), ["keys/mode a private key whose mode is 0640"]),
        (Access(0o640, 0, 1000), (), User(1000, None), ["keys/mode a private key whose mode is 0640"]),
        (Access(0o640, 0, 7), (), User(1000, 1000),
         ["keys/mode a private key whose mode is 0640",
          "keys/unreadable web runs as user 1000 and cannot read it: mode 0640 of user 0"]),
        (USERS, (Access(0o755), Access(0o700)), User(1000),
         ["keys/unreadable web runs as user 1000 and cannot enter config/keys: mode 0700 of user 0"]),
        (Access(0o600, 1001), (), None, ["keys/owner it belongs to user 1001, and the compose file to 0"]),
        (Access(0o600, 1001), (), User(1001), []),
    ],
)  # fmt: skip
def test_whose_a_key_is_and_whether_its_service_can_read_it(
    access: Access, way: tuple[Access, ...], user: User | None, findings: list[str]
) -> None:
    key = replace(KEY, file="config/keys/jwt.pem", access=access, mounts=(Mount("web", way),), services=("web",))
    seen = replace(NOTHING, keys=(key,), users={"web": user} if user else {}, home=Access(0o644, 0))
    found = sorted(privacy.keys(seen))
    assert [f"{one.rule} {one.what}" for one in found] == findings
    assert all(one.services == ("web",) for one in found)


def test_whose_an_env_file_is() -> None:
    file = replace(FILE, access=Access(0o600, 1001), mounts=(Mount("web"),), services=("web",))
    seen = replace(NOTHING, env_files=(file,), users={"web": User(1000)}, home=Access(0o644, 500))
    assert lines(list(privacy.env_files(seen))) == [
        "1:1 warning env/owner it belongs to user 1001, and the compose file to 500",
        "1:1 warning env/unreadable web runs as user 1000 and cannot read it: mode 0600 of user 1001",
    ]
    assert "chown 500 config/.env.staging" in str(list(privacy.env_files(seen)))


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("FROM a:1\nUSER 1000", User(1000)),
        ("FROM a:1\nUSER 1000:33", User(1000, 33)),
        ("FROM a:1\nUSER root", User(0, 0)),
        ("FROM node:24-slim\nUSER node", User(1000, 1000)),
        ("FROM a:1\nUSER node", None),
        ("FROM a:1\nRUN groupadd -g 7 app && useradd --uid 1042 -g app app\nUSER app", User(1042)),
        ("FROM a:1\nRUN useradd app\nUSER app", None),
        ("FROM a:1", None),
        ("", None),
    ],
)
def test_whom_an_image_runs_as(text: str, user: User | None) -> None:
    assert of_image(parse(text), "") == user


def test_whom_the_compose_file_lets_a_service_run_as() -> None:
    users = [of_compose({"user": user}) for user in ("root", "0:0", "1000", "1000:7", "app", None)]
    assert users == [User(0, 0), User(0, 0), User(1000), User(1000, 7), None, None]


def test_what_else_git_has() -> None:
    strays = (
        Stray("web/id_rsa", "key"),
        Stray("web/.env", "env", ("DB_PASSWORD",)),
        Stray(".celadon/state.db", "state"),
    )
    found = list(privacy.strays(replace(NOTHING, strays=strays)))
    assert [f"{f.file} {f.severity} {f.rule} {f.what}" for f in found] == [
        "web/id_rsa warning keys/tracked git has this private key",
        "web/.env warning env/tracked git has it, with DB_PASSWORD",
        ".celadon/state.db warning git/celadon git has what Celadon keeps for itself",
    ]
    assert not any(one.concerns(["web"]) for one in found)
