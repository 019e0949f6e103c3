"""The writers: what they make of plain values, and what they leave of what is there."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from celadon.adapters import process
from celadon.adapters.drafts import Draft, write
from celadon.app import configs
from celadon.config.dotenv import quoted
from celadon.config.interpolation import unescaped
from celadon.config.outline import load_outline
from celadon.errors import UsageError
from celadon.setup import composing, envfiles, ignoring, scripts, writing
from celadon.setup.facts import EnvironmentSketch, ServiceSketch, WorkspaceSketch

GOLDEN = Path(__file__).with_name("compose.yaml")
ENVIRONMENTS = (
    EnvironmentSketch("staging", (4400,), "http://shop.example.com:4400"),
    EnvironmentSketch("production", (80, "127.0.0.1:8080"), "http://shop.example.com", "staging",
                      options={"watch": "3s"}),
)  # fmt: skip
WEB = ServiceSketch(
    "web", build={"context": "./web", "args": {"A": "${A:-1}"}}, git_url="git@github.com:your-org/web.git",
    git_branch="main", port=3000, route="/", host="shop.example.com", health={"path": "/health", "within": "90s"},
    environment={"LONG": "x" * 60, "LONGER": "on", "NUMBER": "08"}, volumes=("./config/keys:/keys:ro",),
    depends_on=("db",), mem_limit="512m", compose={"stop_grace_period": "20s", "init": False},
    celadon={"timeout": "120s"}, remarks=("The first page.",),
)  # fmt: skip
CLOCK = ServiceSketch("clock", image="registry.example.com/clock:1", strategy="replace", env_files=())
SKETCH = WorkspaceSketch(
    "shop", ENVIRONMENTS, (WEB, CLOCK, ServiceSketch("bare", image="x:1")),
    backing={"db": {"image": "postgres:18", "volumes": ["data:/var/lib/postgresql"],
                    "healthcheck": {"test": ["CMD-SHELL", "pg_isready -U $${POSTGRES_USER}"], "retries": 60}}},
    volumes={"data": None}, celadon={"router": {"client_max_body_size": "200m"}},
    variables={"common": {"ISSUER": "shop"}, "staging": {"PASSWORD": "hunter2 'n \"$HOME\" \\n"}},
    wanted={"PASSWORD": ("web",), "ISSUER": ("web",), "TOKEN": ("web", "clock")},
)  # fmt: skip


def test_the_compose_file_reads_so() -> None:
    assert composing.document(SKETCH) == GOLDEN.read_text()


def test_it_is_what_was_asked_for(tmp_path: Path) -> None:
    """Through Compose and Celadon's own reading, for both environments."""
    (tmp_path / "web").mkdir()
    write(writing.drafts(tmp_path, SKETCH))
    outline = load_outline(tmp_path / "compose.yaml")
    for name in ("staging", "production"):
        config = configs.read(outline, name)
        web = config.services["web"]
        assert (web.options.route, web.options.port, web.options.host) == ("/", 3000, "shop.example.com")
        assert web.definition["environment"]["LONGER"] == "on"
        assert web.definition["environment"]["NUMBER"] == "08"
        assert web.definition["init"] is False
        assert [str(listen) for listen in config.options.listen] == (["4400"] if name == "staging" else
                                                                     ["80", "127.0.0.1:8080"])  # fmt: skip
        assert config.services["clock"].options.strategy == "replace"
        assert list(config.backing) == ["db"]
        given = config.services["bare"].definition["environment"]
        assert unescaped(given) == {"ISSUER": "shop"} | (
            {"PASSWORD": 'hunter2 \'n "$HOME" \\n'} if name == "staging" else {}
        )


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    write(writing.drafts(tmp_path, SKETCH))
    assert [draft.path.name for draft in writing.drafts(tmp_path, SKETCH) if draft.changes] == []


@pytest.mark.parametrize(
    "before",
    [
        "name: shop\nx-celadon: {}\nservices:\n    # the old one\n    old:\n        image: a  # pinned\n\n# the end\n"
        "volumes:\n    d:\n",
        "name: shop\nx-celadon: {}\nservices:\n  old: {image: a}",
        "name: shop\nx-celadon: {}\nservices:\n  old:\n    image: a\n    command: |\n      one\n\n      two\n",
    ],
)
def test_services_are_added_to_a_file_that_is_there(before: str) -> None:
    after = composing.added(before, [CLOCK])
    assert [line for line in after.splitlines() if line in before.splitlines()] == before.splitlines()
    was, now = yaml.safe_load(before), yaml.safe_load(after)
    assert now["services"].pop("clock")["x-celadon"] == {"strategy": "replace"}
    assert now == was


def test_a_file_without_a_block_of_services_is_not_added_to() -> None:
    with pytest.raises(UsageError, match="no block of services"):
        composing.added("services: {a: {image: b}}\n", [CLOCK])


def test_a_service_of_that_name_stays_as_it_is(tmp_path: Path) -> None:
    text = "name: shop\nx-celadon: {}\nservices:\n  clock:\n    image: theirs\n"
    (tmp_path / "docker-compose.yml").write_text(text)
    draft = writing.drafts(tmp_path, WorkspaceSketch("shop", ENVIRONMENTS, (CLOCK,)))[0]
    assert (draft.path.name, draft.changes) == ("docker-compose.yml", False)


def test_a_compose_file_without_x_celadon_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: b}}\n")
    assert writing.drafts(tmp_path, SKETCH)[0].text == composing.document(SKETCH)


def test_env_files_keep_what_they_have(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / ".env.staging").write_text("PASSWORD=theirs\n# TOKEN=")
    files = {draft.path.name: draft for draft in envfiles.drafts(tmp_path, SKETCH)}
    assert files[".env.staging"].text == "PASSWORD=theirs\n# TOKEN="
    assert files[".env.common"].text.splitlines()[-1] == "ISSUER=shop"
    assert files[".env.production"].text.splitlines()[2:] == [
        "# Asked for by web:", "# PASSWORD=", "# Asked for by web, clock:", "# TOKEN=",
    ]  # fmt: skip
    assert {draft.mode for draft in files.values()} == {0o600}
    assert all(draft.secret for draft in files.values())


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("'\"$\\ #=\n{}"), max_size=12)


@settings(deadline=None, max_examples=20)
@example(["\\", "a\\", "'", "it's \\"])
@given(st.lists(VALUES, min_size=1, max_size=40))
def test_values_come_back_from_compose_to_the_letter(tmp_path_factory: Any, values: list[str]) -> None:
    folder = tmp_path_factory.mktemp("values")
    given = {f"V{number}": value for number, value in enumerate(values)}
    text = "".join(f"{name}={quoted(value)}\n" for name, value in given.items())
    (folder / ".env").write_text(text)
    (folder / "compose.yaml").write_text("name: x\nservices: {a: {image: b, env_file: .env}}\n")
    out = process.run(["docker", "compose", "config", "--format", "json"], cwd=folder).out
    found = yaml.safe_load(out)["services"]["a"]["environment"]
    assert unescaped(found) == given


def test_gitignore_gets_the_lines_that_it_lacks(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("node_modules\n/config/keys")
    write([ignoring.draft(tmp_path)])
    assert (tmp_path / ".gitignore").read_text() == "node_modules\n/config/keys\n.celadon/\n.env\nconfig/.env.*\n"
    assert not ignoring.draft(tmp_path).changes


def test_scripts_are_one_verb_each(tmp_path: Path) -> None:
    made: dict[str, Draft] = {draft.path.name: draft for draft in scripts.drafts(tmp_path, SKETCH)}
    assert sorted(made) == [
        "build-sequential.sh", "cleanup-docker.sh", "deploy-all-staging.sh", "deploy-staging.sh",
        "diagnose-resources.sh", "promote-production.sh", "rollback-production.sh",
    ]  # fmt: skip
    assert made["promote-production.sh"].text.splitlines()[-1] == (
        'exec celadon -C "$(dirname "$0")/.." promote --to production "$@"'
    )
    assert {draft.mode for draft in made.values()} == {0o755}
