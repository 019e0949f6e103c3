"""nginx's configuration as directives with their places: parsed by crossplane, and only what nginx would read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from celadon.config.positions import shown
from celadon.errors import ConfigError, Problem
from celadon.locale import _
from celadon.setup.tale import Spot

# As crossplane has it: "directive", "args", "line", for a block "block"; and here "file".
Directive = Mapping[str, Any]

_ELSEWHERE = re.compile(r"(mime\.types|_params|snippets/.*|modules-enabled/.*)$")  # files of nginx itself
_STARTS = frozenset(("listen", "server_name", "proxy_pass", "location", "root", "return", "upstream", "server"))
_ARGUMENTS = {  # what is read, and how many words it needs
    "listen": 1, "server_name": 1, "proxy_pass": 1, "include": 1, "client_max_body_size": 1, "proxy_read_timeout": 1,
    "set": 2, "rewrite": 2, "return": 1, "ssl_certificate": 1, "ssl_certificate_key": 1,
}  # fmt: skip
_BLOCKS = {"upstream": 1, "location": 1, "http": 0}


def parse(file: Path, known: frozenset[Path] = frozenset()) -> list[Directive]:
    """The directives of a file, those of included ones in their place; `known` are files that are read already.

    Raises ConfigError with the place of what nginx would not read.
    """
    import crossplane  # only this verb needs it

    try:
        file.read_text(encoding="utf-8")
    except OSError as problem:
        raise ConfigError([Problem(shown(file), 0, 0, "", problem.strerror or str(problem))]) from None
    except UnicodeDecodeError as problem:
        words = _("is not nginx's configuration: {problem}").format(problem=problem)
        raise ConfigError([Problem(shown(file), 0, 0, "", words)]) from None
    result = crossplane.parse(str(file), check_ctx=False)
    problems = [_refused(error) for error in result["errors"] if not _of_nginx_itself(error)]
    directives = list(_joined(result["config"], 0, frozenset())) if result["config"] else []
    problems += [problem for one in _all(directives) for problem in _misshapen(one)]
    if problems:
        raise ConfigError(problems)
    known |= {file}
    return [
        *directives,
        *(d for inner in _mounted(file, directives) if inner not in known for d in parse(inner, known)),
    ]


def named(directives: Sequence[Directive], name: str) -> Iterator[Directive]:
    """Those of a name, in blocks as well."""
    return (one for one in _all(directives) if one["directive"] == name)


def spot(one: Directive) -> Spot:
    return Spot(shown(Path(one["file"])), one["line"])


def said(one: Directive) -> str:
    """As it is written, without its block."""
    return " ".join([one["directive"], *one["args"]])


def _joined(files: Sequence[Mapping[str, Any]], number: int, within: frozenset[int]) -> Iterator[Directive]:
    """The directives of a file, each with the name of its own, and those of included files in their place.

    crossplane's own `combine` gives what follows an include the name of the included file.
    """

    def placed(one: Directive, file: str) -> Iterator[Directive]:
        inner = {"block": [d for b in one["block"] for d in placed(b, file)]} if "block" in one else {}
        yield {**one, "file": file, **inner}
        for included in one.get("includes", ()):
            if included not in within | {number}:
                yield from _joined(files, included, within | {number})

    for one in files[number]["parsed"]:
        yield from placed(one, files[number]["file"])


def _refused(error: Mapping[str, Any]) -> Problem:
    words = re.sub(r"\[Errno \d+\] | in \S+:\d+$", "", str(error["error"]))
    return Problem(shown(Path(error["file"])), error["line"] or 0, 1 if error["line"] else 0, "", words)


def _of_nginx_itself(error: Mapping[str, Any]) -> bool:
    """Whether it only complains of a file that lies in nginx's own folder on another machine, or in its image."""
    missing = re.search(r"No such file or directory: '(.*)'", str(error["error"]))
    return bool(missing and error["line"] and (missing[1].startswith("/etc/") or _ELSEWHERE.search(missing[1])))


def _misshapen(one: Directive) -> Iterator[Problem]:
    """Where a semicolon is missing, nginx takes the next words for arguments, and complains elsewhere."""
    name, args, block, here = one["directive"], one["args"], "block" in one, spot(one)
    words = ""
    if name in _ARGUMENTS and (block or _STARTS & set(args[1:])):
        words = _("`{directive}` is not ended by a semicolon").format(directive=name)
    elif name in _BLOCKS and not block:
        words = _("`{directive}` needs a block in braces").format(directive=name)
    elif len(args) < {**_ARGUMENTS, **_BLOCKS}.get(name, 0) or (name == "server" and not block and not args):
        words = _("`{directive}` needs more words").format(directive=name)
    if words:
        yield Problem(here.file, here.line, 1, "", words)


def _mounted(file: Path, directives: Sequence[Directive]) -> Iterator[Path]:
    """What is included from /etc/nginx and lies beside the file here: it is mounted there."""
    for one in named(directives, "include"):
        folder, _slash, pattern = one["args"][0].removeprefix("/etc/nginx/").rpartition("/")
        if one["args"][0].startswith("/etc/nginx/") and pattern.endswith(".conf") and not _ELSEWHERE.search(pattern):
            for where in {file.parent / folder, file.parent}:
                yield from (found for found in sorted(where.glob(pattern)) if found != file)


def _all(directives: Sequence[Directive]) -> Iterator[Directive]:
    for one in directives:
        yield one
        yield from _all(one.get("block") or ())
