"""What a Korean reads: all of it in Korean, in columns that stand under each other, on any terminal."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from celadon.cli import output

# The help of every verb, and of every verb below one.
HELPS = """
import click
from celadon.cli.group import celadon

def tell(name, command, above):
    context = click.Context(command, info_name=name, parent=above, **command.context_settings)
    print(command.get_help(context))
    for below in command.list_commands(context) if isinstance(command, click.Group) else ():
        tell(below, command.get_command(context, below), context)

tell("celadon", celadon, None)
"""
HANGUL = re.compile("[가-힣]")


def spoken(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Python run with `env` and no other word on languages."""
    rest = {k: v for k, v in os.environ.items() if k not in ("CELADON_LANG", "LANGUAGE", "LANG") and k[:3] != "LC_"}
    return subprocess.run(
        [sys.executable, *argv], env={**rest, **env}, capture_output=True, text=True, encoding="utf-8", errors="replace"
    )


def test_no_help_keeps_an_english_sentence_and_all_fits_the_terminal() -> None:
    english, korean = (spoken("-c", HELPS, CELADON_LANG=name, COLUMNS="80").stdout for name in ("en", "ko"))
    assert len(english.splitlines()) > 200
    prose = {line for line in english.splitlines() if re.search(r"[a-z]{2,} [a-z]{2,}|Usage|Options|Commands", line)}
    left = [line for line in korean.splitlines() if line in prose and not line.strip().startswith("celadon")]
    assert not left
    assert all(HANGUL.search(line) for line in korean.splitlines() if re.search(r"^ +-.*  +\S", line))
    assert not [line for line in korean.splitlines() if cell_len(line) > 80]


@pytest.mark.parametrize(
    "env",
    [{"LANG": "ko_KR.UTF-8"}, {"LC_ALL": "ko_KR.UTF-8", "LANG": "C"}, {"CELADON_LANG": "ko"}, {"LANGUAGE": "ko:en"},
     {"CELADON_LANG": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}],
)  # fmt: skip
def test_the_language_is_taken_from_the_surroundings(env: dict[str, str]) -> None:
    assert spoken("-m", "celadon", "--help", **env).stdout.startswith("사용법: celadon")
    wrong = spoken("-m", "celadon", "deploy", **env)
    assert wrong.returncode == 2 and "오류: 빠진 인자: 'ENV'." in wrong.stderr


@pytest.mark.parametrize(
    "env", [{}, {"LANG": "C"}, {"LANG": "xx_XX.UTF-8"}, {"CELADON_LANG": "xx", "LANG": "ko_KR.UTF-8"}]
)
def test_an_unknown_language_is_english(env: dict[str, str]) -> None:
    assert spoken("-m", "celadon", "--help", **env).stdout.startswith("Usage: celadon")
    wrong = spoken("-m", "celadon", "deploy", **env)
    assert wrong.returncode == 2 and "error: Missing argument 'ENV'." in wrong.stderr


ASCII = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("env", ASCII)
def test_a_terminal_without_utf8_shows_what_it_can(tmp_path: Path, env: dict[str, str], language: str) -> None:
    bad = "name: shop\nx-celadon:\n  environments: {staging: {listen: 0, url: x}}\n  유지: 3  # 보관\nservices: {}\n"
    (tmp_path / "compose.yaml").write_text(bad, encoding="utf-8")
    for words, code in (("--help",), 0), (("deploy", "--help"), 0), (("nope",), 2), (("-C", str(tmp_path), "check"), 2):
        done = spoken("-m", "celadon", *words, CELADON_LANG=language, **env)
        assert done.returncode == code, done.stderr
        assert "celadon" in done.stdout + done.stderr and "Unicode" not in done.stderr


def test_an_error_is_told_in_korean(tmp_path: Path) -> None:
    nowhere = spoken("-m", "celadon", "-C", str(tmp_path), "status", CELADON_LANG="ko")
    assert nowhere.returncode == 2
    assert "오류: " in nowhere.stderr and f"{tmp_path} 또는 그 상위 폴더에 compose.yaml이 없습니다." in nowhere.stderr
    (tmp_path / "compose.yaml").write_text("name: shop\nx-celadon:\n  environment: {}\n")
    unknown = spoken("-m", "celadon", "-C", str(tmp_path), "status", CELADON_LANG="ko")
    assert unknown.returncode == 2
    assert "compose.yaml:3:3: x-celadon.environment: 알 수 없는 키입니다. 혹시 `environments`인가요?" in unknown.stderr


def test_the_manual_is_read_in_korean() -> None:
    assert "operating" in (listed := spoken("-m", "celadon", "docs", CELADON_LANG="ko").stdout) and "운영" in listed
    page = (Path(__file__).parents[2] / "docs" / "ko" / "operating.md").read_text(encoding="utf-8")
    assert spoken("-m", "celadon", "docs", "operating", CELADON_LANG="ko").stdout == page
    assert spoken("-m", "celadon", "docs", "decisions", CELADON_LANG="ko").stdout.startswith("# Decisions")


def test_columns_stand_under_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["서비스", "상태"], [["메인", "실행 중"], ["shop", "!비정상"], ["결제-hub", "-"]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    begins = {cell_len(line[: re.search(r"  +", line).end()]) for line in lines}
    assert begins == {cell_len("결제-hub") + 2}, lines
    assert output.shortened("결제 오류를 고침: 두 번 청구되던 것", 19) == "결제 오류를 고침: …"
    assert output.shortened("fix", 20) == "fix"


def test_a_place_is_not_folded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a narrow terminal the other columns give way: what is folded cannot be copied."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    output.table(["WHERE", "WHAT"], [["docker-compose.yml:117", "word " * 30]], whole=("WHERE",))
    lines = re.sub("\x1b\\[\\d*m", "", capsys.readouterr().out).splitlines()
    assert "docker-compose.yml:117  word" in lines[1] and max(map(len, lines)) <= 60
