"""Env files and keys, text in: exactly what is said of them, and never a value."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celadon.check import envfiles, privacy
from celadon.check.facts import IGNORED, OPEN, OUTSIDE, TRACKED, UNSAID, EnvFile, Facts, Finding, KeyFile
from celadon.config.positions import Positions

FILE = EnvFile("config/.env.staging", "/w/config/.env.staging", "")
KEY = KeyFile("keys/jwt.pem", private=True)
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
    found = list(privacy.env_files(replace(NOTHING, env_files=(replace(FILE, mode=mode, git=git, text=text),))))
    assert lines(found) == findings
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("private", "mode", "git", "findings"),
    [
        (True, 0o600, IGNORED, []),
        (True, 0o400, OUTSIDE, []),
        (True, 0o644, OUTSIDE, ["1:1 error keys/mode a private key whose mode is 0644"]),
        (True, 0o600, TRACKED, ["1:1 error keys/tracked git has this private key"]),
        (True, 0o600, OPEN, ["1:1 warning keys/not-ignored no .gitignore keeps this private key out"]),
        (False, 0o644, TRACKED, []),
    ],
)
def test_who_may_see_a_key(private: bool, mode: int, git: str, findings: list[str]) -> None:
    key = replace(KEY, private=private, mode=mode, git=git)
    assert lines(list(privacy.keys(replace(NOTHING, keys=(key,))))) == findings
