"""sudo: a rule that lets members of a unix group run one program as another user, and nothing else."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from celadon.adapters import process
from celadon.errors import CommandError, RefusedError
from celadon.locale import _
from celadon.state.layout import write_whole
from celadon.state.private import private_folder

RULES = Path("/etc/sudoers.d")
PROGRAMS = Path("/usr/local/lib/celadon")
USER = re.compile(r"[a-z_][a-z0-9_-]*")  # what needs no quoting in sudoers(5)


@dataclass(frozen=True)
class Grant:
    """Members of `group` may run `text` (a program of an environment) as `user`."""

    environment: str
    group: str
    user: str
    text: str


def program_file(workspace: str, environment: str) -> Path:
    """The program of an environment; both names are good ones."""
    return PROGRAMS / workspace / environment


def rules_file(workspace: str) -> Path:
    return RULES / f"celadon-{workspace}"


def rules(workspace: str, grants: Sequence[Grant]) -> str:
    """The text of the rules. The program takes any words: it reads them itself, and believes none.

    Of the caller's variables, sudo passes on what names the command that SSH was asked for. Raises RefusedError.
    """
    lines = [f"# Written by `celadon install-rights` for the workspace {workspace}; written anew by the next one."]
    for grant in grants:
        if not USER.fullmatch(grant.user):
            raise RefusedError(_("The user name {user!r} cannot be used in sudo rules.").format(user=grant.user))
        program = program_file(workspace, grant.environment)
        lines += [
            f'Defaults!{program} env_reset, !setenv, env_keep += "SSH_ORIGINAL_COMMAND"',
            f"%{grant.group} ALL = ({grant.user}) NOPASSWD: NOSETENV: {program}",
        ]
    return "\n".join([*lines, ""])


def install(workspace: str, grants: Sequence[Grant]) -> list[Path]:
    """Write programs and rules, and remove those of environments without one; returns what is there now.

    Raises RefusedError without sudo, or where it would not take the rules.
    """
    if not RULES.is_dir() or not shutil.which("visudo"):
        raise RefusedError(
            _("sudo is not installed: {folder} or visudo is missing.").format(folder=RULES),
            hint=_("apt install sudo"),
        )
    text = rules(workspace, grants)
    _refuse_what_sudo_cannot_read(text)
    folder, file = PROGRAMS / workspace, rules_file(workspace)
    wanted = {program_file(workspace, grant.environment): grant.text for grant in grants}
    if not wanted:
        file.unlink(missing_ok=True)  # first: no rule names a program that is not there
    for left in folder.glob("*"):
        if left not in wanted:
            left.unlink()
    if not wanted:
        return []
    for one in (PROGRAMS, folder):
        one.mkdir(mode=0o755, exist_ok=True)
        one.chmod(0o755)
    for program, source in wanted.items():
        write_whole(program, source, 0o755)
    write_whole(file, text, 0o440)
    return [file, *wanted]


def _refuse_what_sudo_cannot_read(text: str) -> None:
    """A mistake in one of its files would lock everybody out of sudo."""
    with private_folder() as private:
        copy = private / "rules"
        copy.write_text(text)
        copy.chmod(0o440)
        try:
            process.run(["visudo", "--check", "--strict", "--file", str(copy)])
        except CommandError as problem:
            hint = "celadon install-rights --print"
            raise RefusedError(_("sudo rejected these rules."), evidence=problem.tail, hint=hint) from None


def refuse_strangers() -> None:
    """Raises RefusedError where this user may not write what sudo trusts."""
    if os.geteuid() != 0:
        raise RefusedError(_("Only root can grant rights."), hint="sudo celadon install-rights")
