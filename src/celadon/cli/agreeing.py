"""Asking before something is done that the operator should have seen."""

import sys

import click

from celadon.errors import UsageError
from celadon.locale import _


def agree(question: str, *, yes: bool) -> None:
    """Ask, unless `yes` was said already. Raises Abort when the operator declines, UsageError when nobody is there."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            _("This asks first, and nobody is at the terminal: {question}").format(question=question),
            hint=_("Look with --dry-run; say yes with -y."),
        )
    click.confirm(question, abort=True, err=True)
