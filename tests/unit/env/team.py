"""A workspace whose env files come from somewhere, and `celadon` as the operator types it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from celadon.cli import main

SERVICE = {"image": "nginx:1.30", "env_file": ["config/.env.${CELADON_ENV:-development}"], "x-celadon": {}}


class Team:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.services: dict[str, Any] = {"web": {**SERVICE}}
        self.environments: dict[str, Any] = {
            "staging": {"listen": [4400], "url": "http://shop.example:4400"},
            "production": {"listen": [4500], "url": "http://shop.example:4500", "from": "staging"},
        }
        monkeypatch.chdir(folder)
        for name in ("DOPPLER_TOKEN", "CELADON_ENV", "VISUAL", "EDITOR"):
            monkeypatch.delenv(name, raising=False)
        self.write()

    def write(self, secrets: Any = None) -> None:
        celadon = {"environments": self.environments, **({"secrets": secrets} if secrets else {})}
        document = {"name": "shop", "x-celadon": celadon, "services": self.services}
        (self.folder / "compose.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    def file(self, name: str = "staging") -> Path:
        return self.folder / "config" / f".env.{name}"

    def put(self, text: str, name: str = "staging") -> None:
        self.file(name).parent.mkdir(exist_ok=True)
        self.file(name).write_text(text)
        self.file(name).chmod(0o600)

    def celadon(self, *words: str, expect: int = 0) -> str:
        """Run a verb in this process; returns all that it said."""
        code = main.run([*words])
        said = self._capsys.readouterr()
        assert code == expect, said
        return said.out + said.err
