"""Builds that cannot be isolated are refused in words."""

from pathlib import Path
from typing import Any

import pytest

from celadon.config.model import BuildOptions
from celadon.errors import RefusedError
from celadon.run import build_network


def test_a_host_without_iptables_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RefusedError) as refused:
        build_network._put("docker0")
    assert "iptables-save` is not installed" in refused.value.evidence[0]
    assert "as root" in refused.value.hint and "x-celadon.build.network: open" in refused.value.hint


@pytest.mark.parametrize("definition", [{"network": "host"}, {"network": "container:db"}])
def test_a_build_on_another_network_is_not_isolated(definition: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=definition["network"]):
        build_network._refuse_other_networks(BuildOptions(), "shop", definition)


def test_neither_is_one_of_a_builder_with_a_network_of_its_own() -> None:
    with pytest.raises(RefusedError, match="limited"):
        build_network._refuse_other_networks(BuildOptions(builder="limited"), "shop", {})
    for network in (None, "default", "none"):
        build_network._refuse_other_networks(BuildOptions(), "shop", {"network": network})
