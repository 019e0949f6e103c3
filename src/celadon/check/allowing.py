"""What a team has looked at and allows: a comment `# celadon: allow RULE` takes a finding away."""

import re
from collections.abc import Iterable, Mapping, Sequence

from celadon.check.facts import Finding
from celadon.check.image_names import FIRM

_ALLOW = re.compile(r"#\s*celadon:\s*allow\s+([\w/-]+(?:\s*,\s*[\w/-]+)*)")


def kept(findings: Iterable[Finding], texts: Mapping[str, str], home: str = "") -> list[Finding]:
    """The findings that no comment allows: in their own line, in the one above, or at the head of the whole file.

    What only the compose file decides stays.

    For files without comments, such as keys (their text is ""), the head of the compose file `home` speaks.
    """
    lines = {file: text.splitlines() for file, text in texts.items()}
    heads = {file: _rules(_head(several if several else lines.get(home, []))) for file, several in lines.items()}
    found = []
    for one in findings:
        if one.rule in FIRM:
            found.append(one)
            continue
        near = lines.get(one.file, [])[max(0, one.line - 2) : one.line]
        if one.rule not in heads.get(one.file, ()) and one.rule not in _rules(near):
            found.append(one)
    return found


def _head(lines: Sequence[str]) -> list[str]:
    """The comments above everything else."""
    head = []
    for line in lines:
        if not line.startswith("#"):
            break
        head.append(line)
    return head


def _rules(lines: Iterable[str]) -> set[str]:
    return {rule.strip() for line in lines for match in _ALLOW.finditer(line) for rule in match[1].split(",")}
