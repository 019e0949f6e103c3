"""Files that nobody would write on purpose: the answer is a CeladonError with code 2, or none, and never a traceback.

Through Compose itself, which takes a tenth of a second; CELADON_THOROUGH=N tries N times as many.
"""

import copy
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from celadon.adapters import compose, nginx, notify
from celadon.app import checking, importing
from celadon.config import reference
from celadon.config.load import load_environment
from celadon.config.outline import load_outline
from celadon.config.positions import Loader
from celadon.errors import USAGE, CeladonError
from tests.unit.test_router import ROUTING

ROOT = Path(__file__).parents[3]
TIMES = int(os.environ.get("CELADON_THOROUGH") or 1)
VALID = [
    yaml.load(text, Loader)  # noqa: S506 (a safe loader)
    for text in (reference.text(), (ROOT / "examples/workhub/compose.yaml").read_text())
]
WORDS = st.sampled_from([
    "", " ", "x", "0", "-1", "1e999", "on", "no", "null", "~", "auto", "${", "${A}", "${A:?b}", "$$", "$", "::",
    "://", "/", "//", "..", "/dev/null", "config", "127.0.0.1:80", "80:80", "9" * 400, "9" * 400 + "g",
    "9" * 400 + "h", "é", "\u0000", "\u2028", "services", "x-celadon", "a b", "{}", "[", "!x", "*a", "&a", "|", "%",
    "{{", "{0}", "{name}", "%s",
])  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from([2**63, -(2**70), 10**400, -(10**400)])
    | WORDS
    | st.text(max_size=6)
)
KEYS = WORDS | st.sampled_from(sorted({path[-1] for path in reference.entries()} | {"extends", "include", "profiles"}))
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def many(examples: int) -> Callable[[Any], Any]:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=examples * TIMES, deadline=None, suppress_health_check=checks)


def refused_or_fine(act: Callable[[], object]) -> None:
    """Run `act`: what it raises is told to people, in one line each."""
    try:
        act()
    except CeladonError as error:
        assert error.exit_code == USAGE and error.message
        assert all("Traceback" not in line for line in error.evidence)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything below a node."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from places(value, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, valid: Sequence[Any] = VALID) -> str:
    """A valid file with one to three of its nodes dropped, doubled, replaced, or under another key."""
    data = copy.deepcopy(draw(st.sampled_from(valid)))
    for _turn in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(places(data), key=str) or [()]))
        if not path:
            break
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        how, key = draw(st.sampled_from(["drop", "double", "replace", "rename"])), path[-1]
        if how == "replace":
            parent[key] = draw(ANYTHING)
        elif how == "drop":
            del parent[key]
        elif how == "rename" and isinstance(parent, dict):
            parent[draw(KEYS)] = parent.pop(key)
        else:
            parent[key] = [parent[key], copy.deepcopy(parent[key])]
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace in which nothing that the files name is missing."""
    for name in ("config/.env.common", "config/.env.staging", "certs/shop.pem", "certs/shop.key", "router.conf.j2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("A=1\n")
    for variable in ("WORKHUB_REPOSITORIES", "COMPOSE_PROFILES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@given(text=mutated())
@many(40)
def test_a_good_file_that_was_mutilated(text: str, folder: Path) -> None:
    file = folder / "compose.yaml"
    file.write_text(text, encoding="utf-8")
    refused_or_fine(lambda: load_outline(file))
    refused_or_fine(lambda: load_environment(file, "staging", compose.render, notify.problem_of))


@given(text=mutated())
@many(8)
def test_a_good_file_that_was_mutilated_is_checked(text: str, folder: Path) -> None:
    (folder / "compose.yaml").write_text(text, encoding="utf-8")
    refused_or_fine(lambda: checking.check(folder, ()))


LINES = st.sampled_from([
    "name: shop", "x-celadon:", "services:", "  web:", "    image: x", "- a", "\t", "  ", "a: &a", "b: *a", "<<: *a",
    "---", "...", "? ", ": ", "!!binary x", "!!int",
    "!!bool x", "!!timestamp x", "true", "!x y", "{", "}", "[", "]", "|", ">", "'", '"', "# c", "%YAML 1.1",
    "key: [", "0: 1", "\ufeff", "\x00",
])  # fmt: skip


@given(lines=st.lists(LINES | st.text(max_size=8), max_size=12), tail=st.binary(max_size=8))
@many(150)
def test_what_is_hardly_yaml(lines: list[str], tail: bytes, folder: Path) -> None:
    file = folder / "compose.yaml"
    file.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + tail)
    refused_or_fine(lambda: load_outline(file))


@given(lines=st.lists(LINES | st.text(max_size=8), max_size=8))
@many(10)
def test_what_is_hardly_yaml_reaches_compose(lines: list[str], folder: Path) -> None:
    file = folder / "compose.yaml"
    file.write_bytes("\n".join(["name: shop", *lines]).encode("utf-8", "surrogatepass"))
    refused_or_fine(lambda: load_environment(file, "staging", compose.render, notify.problem_of))


ENV_PARTS = st.sampled_from([
    "A", "=", "B=1", "'", '"', "\n", "\r\n", "\\", "$", "${A", "${A:?b}", "#", " ", "export ", "\t", "-----BEGIN",
    "\ufeff", "\x00", "é",
])  # fmt: skip


@given(parts=st.lists(ENV_PARTS | st.text(max_size=4), max_size=10), tail=st.binary(max_size=6))
@many(15)
def test_env_files(parts: list[str], tail: bytes, folder: Path) -> None:
    (folder / "compose.yaml").write_text(
        'name: shop\nx-celadon: {environments: {staging: {listen: [4400], url: "http://x"}}}\n'
        "services: {web: {image: x, env_file: a.env, x-celadon: {}}}\n"
    )
    (folder / "a.env").write_bytes("".join(parts).encode("utf-8", "surrogatepass") + tail)
    refused_or_fine(lambda: checking.check(folder, ()))
    refused_or_fine(lambda: load_environment(folder / "compose.yaml", "staging", compose.render))


FIXTURES = ROOT / "tests" / "fixtures"
OLD = [yaml.safe_load((FIXTURES / name).read_text())
       for name in ("twins/docker-compose.yml", "rename/docker-compose.yml", "plain/compose.yaml")]  # fmt: skip
OLD_NGINX = (FIXTURES / "rename" / "nginx" / "nginx.conf").read_text().split(" ")


@given(text=mutated(OLD), spoiled=st.lists(st.tuples(st.integers(0, len(OLD_NGINX) - 1), WORDS), max_size=3))
@many(60)
def test_an_old_set_up_is_imported(text: str, spoiled: list[tuple[int, str]], folder: Path) -> None:
    words = list(OLD_NGINX)
    for place, word in spoiled:
        words[place] = word
    (folder / "old.yml").write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(" ".join(words), encoding="utf-8")
    refused_or_fine(lambda: list(importing.propose(Path("old.yml"), [Path("nginx.conf")], folder).diff()))


NGINX = st.sampled_from([
    "server {", "}", "listen 80;", "{{ routing }}", "{{ routing.x }}", "{% for a in routing %}", "{% endfor %}", "{%",
    "{{", "}}", "{# ", "#}", "{{ 1/0 }}", "{{ 'a' + 1 }}", "{% include 'x' %}", "{{ ''.join(1) }}", "\n", ";",
    "{% import 'x' as y %}", "{{ routing() }}", "{{ '%d' % 'a' }}", "{{ [][5] }}", "{% set a = 1 %}",
])  # fmt: skip


@given(parts=st.lists(NGINX | st.text(max_size=6), max_size=8))
@many(100)
def test_templates_of_the_router(parts: list[str]) -> None:
    try:
        nginx.render(ROUTING, (1, 28, 0), "".join(parts))
    except CeladonError as error:
        assert error.message and error.hint
