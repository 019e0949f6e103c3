"""The Korean README and guide say what the English ones say: block by block the same numbers, code and links."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAYS_ENGLISH = {"docs/decisions.md"}
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md"))]
OTHER = re.compile(r"^\[(한국어|English)\]\(.*\)\n\n", re.MULTILINE)  # the way to the other language


def korean(page: str) -> str:
    return page.replace("README.md", "README.ko.md").replace("docs/", "docs/ko/")


@pytest.mark.parametrize("page", [page for page in PAGES if page not in STAYS_ENGLISH])
def test_every_page_is_there_in_korean_with_the_same_facts(page: str) -> None:
    ours, theirs = blocks(page), blocks(korean(page))
    for mine, other in zip(ours, theirs, strict=False):
        assert facts(mine, page) == facts(other, korean(page)), f"{mine}\n\n{other}"
    assert len(ours) == len(theirs)


def test_each_readme_leads_to_the_other() -> None:
    assert "[한국어](README.ko.md)" in (ROOT / "README.md").read_text().splitlines()[:5]
    assert "[English](README.md)" in (ROOT / "README.ko.md").read_text().splitlines()[:5]


def blocks(page: str) -> list[str]:
    """Headings, paragraphs, items of lists, rows of tables, code: in their order."""
    text = OTHER.sub("", (ROOT / page).read_text(encoding="utf-8"), count=1)
    return [part for part in re.split(r"\n\n+|\n(?=[-|] ?)", text) if part.strip()]


def facts(block: str, page: str) -> dict[str, object]:
    if block.startswith(("    ", "```")):  # code: all but the comments
        return {"code": [re.sub(r"\s+#.*", "", line) for line in block.splitlines()]}
    links = re.findall(r"\]\(([^)\s]+)\)", block)
    return {
        "shape": (re.match(r"#+ |- |\|", block) or [""])[0],
        "cells": block.count("|") if block.startswith("|") else 0,
        "bold": block.count("**"),
        "code": Counter(re.findall(r"`[^`]+`", " ".join(block.split()))),
        "numbers": Counter(re.findall(r"\d+(?:\.\d+)?", re.sub(r"`[^`]+`|\]\([^)]*\)", "", block))),
        "links": Counter(link if "://" in link else resolved(page, link) for link in links),
    }


def resolved(page: str, link: str) -> str:
    """The file that a link leads to, a Korean page counted as the English one; it has to be there."""
    file = (ROOT / page).parent.joinpath(link).resolve()
    assert file.exists(), f"{page}: {link}"
    return str(file.relative_to(ROOT)).replace("docs/ko/", "docs/").replace("README.ko.md", "README.md")
