"""One target under atheris: `python -m tests.fuzz.one TARGET [options of libFuzzer]`."""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["celadon", "yaml", "crossplane"]):
    from tests.fuzz import targets

name = sys.argv.pop(1)
folder = Path(tempfile.mkdtemp(prefix="celadon-fuzz-"))
atheris.Setup(sys.argv, lambda data: targets.feed(name, data, folder))
atheris.Fuzz()
