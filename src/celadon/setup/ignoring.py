"""What git must not take: the lines that .gitignore lacks."""

from pathlib import Path

from celadon.adapters.drafts import Draft
from celadon.check.folders import text_of

LINES = (".celadon/", ".env", "config/.env.*", "config/keys/")


def draft(folder: Path) -> Draft:
    file = folder / ".gitignore"
    before = text_of(file) if file.exists() else ""
    there = {line.strip().strip("/") for line in before.splitlines()}
    missing = [line for line in LINES if line.strip("/") not in there]
    begun = f"{before}\n" if before and not before.endswith("\n") and missing else before
    return Draft(file, begun + "".join(f"{line}\n" for line in missing))
