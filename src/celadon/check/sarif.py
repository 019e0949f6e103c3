"""Findings as SARIF 2.1.0, which code hosts show beside the lines. Source: docs.oasis-open.org/sarif/sarif/v2.1.0."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from celadon import __version__
from celadon.check.facts import ERROR, INFO, WARNING, Finding, Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {ERROR: "error", WARNING: "warning", INFO: "note"}


def document(findings: Sequence[Finding], rules: Sequence[Rule], home: str) -> dict[str, Any]:
    """One run. Every result has a location, since code hosts refuse those without: what is about the server has that of
    `home`, the compose file."""
    known = {rule.name: rule for rule in rules}
    named = {f.rule: known.get(f.rule) or Rule(f.rule, f.severity, f.why, f.mend) for f in findings}  # or BuildKit's
    used = [named[name] for name in sorted(named)]
    index = {rule.name: number for number, rule in enumerate(used)}
    driver = {"name": "celadon", "version": __version__, "rules": [_rule(rule) for rule in used]}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, index[finding.rule], home) for finding in findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.mend},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _result(finding: Finding, index: int, home: str) -> dict[str, Any]:
    region = {"startLine": max(1, finding.line), "startColumn": max(1, finding.column)}
    location = {"artifactLocation": _artifact(finding.file or home), "region": region}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{finding.what}: {finding.why}. {finding.mend}"},
        "locations": [{"physicalLocation": location}],
    }


def _artifact(file: str) -> dict[str, str]:
    """A file of the repository by its path from where the command ran, another one by its address."""
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(file), "uriBaseId": "%SRCROOT%"}
