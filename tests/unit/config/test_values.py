"""Durations, sizes and doors, and files that no one could have meant."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from celadon.config import values
from celadon.config.load import load_frozen, refuse_wrong
from celadon.config.model import ServiceOptions
from celadon.config.outline import load_outline
from celadon.config.values import Listen
from celadon.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("1m30s", 90), (45, 45), ("45", 45), ("1.5h", 5400)],
)
def test_durations(text: object, seconds: float) -> None:
    assert values.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5 m", "-3s", "1d", -1, True, None, [], "s"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        values.duration(text)


@pytest.mark.parametrize(
    ("text", "listen"),
    [(80, Listen("", 80)), ("80", Listen("", 80)), ("127.0.0.1:4400", Listen("127.0.0.1", 4400))],
)
def test_doors(text: object, listen: Listen) -> None:
    assert values.listen(text) == listen


@pytest.mark.parametrize("text", [0, 65536, "x", "1.2.3:80", "300.1.1.1:80", "127.0.0.1:", ":80", True, None, 80.5])
def test_what_is_no_door(text: object) -> None:
    with pytest.raises(ValueError, match="port"):
        values.listen(text)


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
options = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("port", "route", "host", "health", "git", "release", "strategy", "timeout", "x"), anything),
)


@given(top=anything, service=options | anything)
@settings(max_examples=200, deadline=None)
def test_no_configuration_ends_in_a_traceback(top: object, service: object) -> None:
    file = {"x-celadon": {"environments": top}, "services": {"web": {"image": "nginx:1.30", "x-celadon": service}}}
    text = yaml.safe_dump(file)
    try:
        refuse_wrong(text, "shop", Path("/shop/compose.yaml"), "staging")
    except ConfigError as error:
        assert error.problems


@given(text=st.text(max_size=60))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_ends_in_a_traceback(text: str, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        load_outline(file)
    except ConfigError as error:
        assert error.problems


def test_what_ran_once_is_not_judged_anew_and_is_served_as_it_was() -> None:
    """A rollback brings back what an earlier Celadon took, even if this one would refuse it in the team's file."""
    celadon = {
        "environments": {"staging": {"listen": [4400], "url": "http://me:c4n4ry@shop.example", "watch": "400000h",
                                     "notify": [{"url": "x", "on": []}]}},
        "router": {"network": "host", "timeout": 0}, "build": {"timeout": "0s"}, "keep": True,
    }  # fmt: skip
    service = {"port": 80, "route": "/shop", "health": {"path": "/h", "within": 0}, "git": {"url": "ext::x"}}
    definition = {"image": "nginx:1.30", "scale": 2, "x-celadon": service}
    text = yaml.safe_dump({"x-celadon": celadon, "services": {"web": definition}})
    here = Path("/shop/compose.yaml")
    with pytest.raises(ConfigError):
        refuse_wrong(text, "shop", here, "staging")
    config = load_frozen(text, "shop", here.parent, here, "staging")
    options = config.services["web"].options
    assert (options.route, options.port, options.health and options.health.path) == ("/shop", 80, "/h")
    assert config.settings.router.on_host and config.options.url == "http://me:c4n4ry@shop.example"
    assert (config.settings.keep, config.options.watch, config.settings.build.timeout) == (2, 10.0, 1800.0)


def test_a_frozen_service_is_not_judged_anew_either() -> None:
    frozen = {"port": 80, "route": "/", "health": {"path": "/h", "timeout": 0.0}, "timeout": 0.0}
    with pytest.raises(ValidationError):
        ServiceOptions.model_validate(frozen)
    options = ServiceOptions.of_kept(frozen)
    assert (options.route, options.timeout, options.health and options.health.timeout) == ("/", None, 5.0)


@pytest.mark.parametrize("service", [{"route": "shop", "port": 80}, {"route": "/", "port": 0}, {"tls": {}}])
def test_what_would_be_served_otherwise_is_refused_even_then(service: dict[str, object]) -> None:
    celadon = {"environments": {"staging": {"listen": [4400], "url": "http://shop.example"}}}
    text = yaml.safe_dump({"x-celadon": celadon, "services": {"web": {"image": "nginx", "x-celadon": service}}})
    with pytest.raises(ConfigError):
        load_frozen(text, "shop", Path("/shop"), Path("/shop/compose.yaml"), "staging")
