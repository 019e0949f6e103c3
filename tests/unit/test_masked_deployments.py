"""What is hidden in what a deployment tells, and what must stay for its reason to be seen."""

import os
from pathlib import Path

import pytest

from celadon.app.masking import mask_of
from celadon.config.load import load_frozen
from celadon.config.workspace import EnvironmentConfig, Outline
from celadon.run.journal import End, Journal
from celadon.state.layout import Layout, write_private

TEXT = """
name: shop
x-celadon:
  environments: {staging: {listen: [1], url: "http://x"}}
  notify: ["slack://t0ken-of-slack/B1234567/c4n4ry-of-notify"]
services:
  web:
    image: x
    build: {context: ., args: {NPM: c4n4ry-of-an-argument}}
    x-celadon: {git: {url: "https://deployer:c4n4ry-of-git@git.example.com/web.git"}}
    environment:
      API_TOKEN: "c4n4ry$$1"
      SIGNING_KEY: "-----BEGIN\\nc4n4ry-line\\n"
      DATABASE_URL: postgres://shop:c4n4ry-pw@db:5432/shop
      PUBLIC_KEY: not-a-secret
      PEER: http://hub:8000
      SHORT_TOKEN: abc
      UNNAMED: c4n4ry-unnamed
      API_KEY: 1n-cl34r
      PASSWORD: 1n-cl34r-list
      GREETING: good morning
  db: {image: x, environment: {POSTGRES_PASSWORD: c4n4ry-db}}
"""
COMPOSE = """
name: shop
x-celadon: {environments: {staging: {listen: [1], url: "http://x"}, production: {listen: [2], url: "http://x"}}}
services:
  web:
    image: x
    x-celadon: {}
    env_file: ["config/.env.${CELADON_ENV:-staging}", {path: "./${WHICH}.env", required: false}]
    volumes: ["./mounted.env:/app/.env:ro"]
    secrets: [file]
    environment: {GREETING: good morning, API_KEY: 1n-cl34r, FROM: "${FROM}"}
  batch: {image: x, environment: ["MODE=nightly-run", "PASSWORD=1n-cl34r-list"]}
secrets: {file: {file: ./secret.txt}, shell: {environment: OF_THE_SHELL}}
"""


def given(folder: Path, text: str = TEXT) -> tuple[Outline, Layout, EnvironmentConfig]:
    config = load_frozen(text, "shop", folder, folder / "compose.yaml", "staging")
    outline = Outline("shop", folder, folder / "compose.yaml", ("staging", "production"), ("web",))
    return outline, Layout(folder), config


def test_what_a_service_says_of_its_secrets_is_in_no_journal(tmp_path: Path) -> None:
    outline, layout, config = given(tmp_path)
    said = "c4n4ry$1 c4n4ry-line postgres://shop:c4n4ry-pw@db:5432/shop c4n4ry-db not-a-secret http://hub:8000 abc"
    events, log = tmp_path / "1.jsonl", tmp_path / "1.log"
    journal = Journal(events, log, mask_of(outline, layout, [config]))
    journal.detail(said)
    journal.log(said)
    journal.end(End(1, said, (said,), said, said))
    journal.close()
    kept = log.read_text() + events.read_text()
    assert "c4n4ry" not in kept
    assert kept.count("*** *** postgres://shop:***@db:5432/shop *** not-a-secret http://hub:8000 abc") == 11


def test_what_a_rollback_starts_says_an_older_password(tmp_path: Path) -> None:
    outline, layout, config = given(tmp_path)
    frozen = "services: {web: {image: x, environment: {API_TOKEN: 0ld-c4n4ry}}}"
    write_private(layout.release("staging", "web", "20260111-093012-9f12ce5"), frozen)
    write_private(layout.release("staging", "web", "20260111-093013-9f12ce5"), "services: {")
    assert mask_of(outline, layout, [config])("0ld-c4n4ry c4n4ry$1") == "*** ***"


def test_every_source_of_secrets_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outline, layout, config = given(tmp_path)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / ".env.staging").write_text(
        "A=\"two\\nlines-of-it\" # c\nB='s1ngle # not'\nexport C=b4re-one # c\n"
    )
    (tmp_path / "config" / ".env.production").write_text("D: of-production\n")
    (tmp_path / "else.env").write_text("E=0f-another-file\n")
    (tmp_path / "mounted.env").write_text("F=0f-the-mounted\n")
    (tmp_path / ".env").write_text("FROM=0f-dotenv\n")
    (tmp_path / "secret.txt").write_text("0f-a-file\nsecond\n")
    monkeypatch.setenv("OF_THE_SHELL", "sh3ll-value")
    write_private(layout.rendered("staging", "rendered-1"), TEXT.replace("c4n4ry-of-notify", "0ld-c4n4ry-of-notify"))
    mask = mask_of(outline, layout, [config])
    for secret in (
        "lines-of-it", "s1ngle # not", "b4re-one", "of-production", "0f-another-file", "0f-the-mounted", "0f-dotenv",
        "0f-a-file", "second", "sh3ll-value", "c4n4ry-of-notify", "0ld-c4n4ry-of-notify", "c4n4ry-of-an-argument",
        "c4n4ry-of-git", "c4n4ry-unnamed", "1n-cl34r", "1n-cl34r-list",
    ):  # fmt: skip
        assert mask(f"x {secret} x") == "x *** x", secret
    assert mask("https://deployer:c4n4ry-of-git@git.example.com") == "https://deployer:***@git.example.com"
    shown = "good morning, nightly-run of shop in staging and production, http://hub:8000/a"
    assert mask(shown) == shown
    assert mask_of(outline, layout, [], every=True)("good morning, c4n4ry-db") == "***, ***"


def test_what_is_not_there_or_no_file_keeps_nothing_from_being_hidden(tmp_path: Path) -> None:
    outline, layout, config = given(tmp_path)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    os.mkfifo(tmp_path / "secret.txt")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / ".env.staging").symlink_to("/dev/zero")
    assert mask_of(outline, layout, [config])("c4n4ry-unnamed") == "***"
    (tmp_path / "compose.yaml").write_text("services: [")
    assert mask_of(outline, layout, [config])("c4n4ry-unnamed") == "***"
