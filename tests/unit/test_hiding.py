"""What is hidden in what a deployment tells, and what must stay for its reason to be seen."""

from pathlib import Path

from celadon.app.hiding import hider
from celadon.config.load import load_frozen
from celadon.run.journal import End, Journal
from celadon.state.layout import Layout, write_private

TEXT = """
name: shop
x-celadon: {environments: {staging: {listen: [1], url: "http://x"}}}
services:
  web:
    image: x
    x-celadon: {}
    environment:
      API_TOKEN: "c4n4ry$$1"
      SIGNING_KEY: "-----BEGIN\\nc4n4ry-line\\n"
      DATABASE_URL: postgres://shop:c4n4ry-pw@db:5432/shop
      PUBLIC_KEY: not-a-secret
      PEER: http://hub:8000
      SHORT_TOKEN: abc
  db: {image: x, environment: {POSTGRES_PASSWORD: c4n4ry-db}}
"""


def test_what_a_service_says_of_its_secrets_is_in_no_journal(tmp_path: Path) -> None:
    config = load_frozen(TEXT, "shop", tmp_path, tmp_path / "compose.yaml", "staging")
    said = "c4n4ry$1 c4n4ry-line postgres://shop:c4n4ry-pw@db:5432/shop c4n4ry-db not-a-secret http://hub:8000 abc"
    events, log = tmp_path / "1.jsonl", tmp_path / "1.log"
    journal = Journal(events, log, hider([config], Layout(tmp_path)))
    journal.detail(said)
    journal.log(said)
    journal.end(End(1, said, (said,), said, said))
    journal.close()
    kept = log.read_text() + events.read_text()
    assert "c4n4ry" not in kept
    assert kept.count("*** *** postgres://shop:***@db:5432/shop *** not-a-secret http://hub:8000 abc") == 11


def test_what_a_rollback_starts_says_an_older_password(tmp_path: Path) -> None:
    config = load_frozen(TEXT, "shop", tmp_path, tmp_path / "compose.yaml", "staging")
    layout = Layout(tmp_path)
    frozen = "services: {web: {image: x, environment: {API_TOKEN: 0ld-c4n4ry}}}"
    write_private(layout.release("staging", "web", "20260111-093012-9f12ce5"), frozen)
    write_private(layout.release("staging", "web", "20260111-093013-9f12ce5"), "services: {")
    assert hider([config], layout)("0ld-c4n4ry c4n4ry$1") == "*** ***"
