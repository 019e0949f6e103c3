"""Rights for one environment: the program that members of a unix group may run as the workspace's owner."""

import grp
import os
import pwd
import stat
import sys
from pathlib import Path

import celadon
from celadon.adapters import sudo
from celadon.adapters.sudo import Grant
from celadon.app.configs import read
from celadon.app.workspace import Workspace
from celadon.config import ownership
from celadon.config.values import NAME
from celadon.errors import RefusedError
from celadon.locale import _
from celadon.run import lock_folder

PROGRAM = """#!{python} -I
# Written by `celadon install-rights`: what members of {group} may do in {environment} of {workspace}.
from celadon.cli import restricted_environment

restricted_environment.clean()  # before anything else is imported: translations are looked up by variables

from celadon.cli import restricted

restricted.main({folder!r}, {environment!r}, {group!r})
"""


def grants(workspace: Workspace) -> list[Grant]:
    """A grant for each environment that names its deployers. Raises RefusedError where that would give more away."""
    outline = workspace.outline
    if not NAME.fullmatch(outline.name):
        raise RefusedError(
            _("The workspace name `{name}` must not contain variables.").format(name=outline.name),
            hint=_("Set `name` in compose.yaml to a fixed value."),
        )
    programs = Path(sys.executable), Path(celadon.__file__).parent, sudo.PROGRAMS.parent
    found = []
    for environment in outline.environments:
        if group := read(outline, environment).options.deployers:
            refuse_more(group, outline.folder, outline.file, *programs)
            found.append(_grant(workspace, environment, group))
    return found


def _grant(workspace: Workspace, environment: str, group: str) -> Grant:
    outline = workspace.outline
    if any(letter.isspace() for letter in sys.executable) or len(sys.executable) > 120:
        words = _("{python} cannot be used in a shebang line (#!).")
        raise RefusedError(
            words.format(python=sys.executable),
            hint=_("Install Celadon in a folder with a shorter path and no spaces."),
        )
    text = PROGRAM.format(python=sys.executable, group=group, environment=environment, workspace=outline.name,
                          folder=str(outline.folder))  # fmt: skip
    return Grant(environment, group, ownership.name(outline.folder.stat().st_uid), text)


def refuse_more(group: str, folder: Path, *paths: Path) -> None:
    """Raises RefusedError where members of `group` could do more than the program lets them.

    `folder` is the workspace: its owner is who the program runs as, and may write to all of it.
    """
    number = group_id(group)
    if number in (0, lock_folder.engine_group()):
        words = _("Members of {group} already have full access: they can use the engine or are root.")
        raise RefusedError(words.format(group=group), hint=_("Set `deployers` to another group."))
    owner = folder.stat().st_uid
    if is_member(owner, number):
        words = _("{user}, the owner of {folder}, is a member of {group}.")
        name = ownership.name(owner)
        hint = _("Remove the user from the group: {command}").format(command=f"sudo gpasswd -d {name} {group}")
        raise RefusedError(words.format(user=name, folder=folder, group=group), hint=hint)
    for path in (folder, *paths):
        for part in (path, *path.resolve().parents, path.resolve()):
            if _is_writable(part, number, owner):
                raise RefusedError(
                    _("Members of {group} can write to {path}, so they could change what runs.").format(
                        group=group, path=part
                    ),
                    hint=_("Remove the write permission: {command}").format(command=f"chmod go-w {part}"),
                )


def _is_writable(path: Path, group: int, owner: int) -> bool:
    found = path.stat()
    if found.st_uid not in (0, owner) and is_member(found.st_uid, group):
        return True
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    return not sticky and bool(found.st_mode & 0o002 or (found.st_mode & 0o020 and found.st_gid == group))


def group_id(group: str) -> int:
    """Raises RefusedError where there is no such group."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise RefusedError(
            _("The Unix group {group} does not exist on this host.").format(group=group),
            hint=f"sudo groupadd {group}",
        ) from None


def is_member(uid: int, group: int) -> bool:
    """Whether a user is in a group, as the system's files say now."""
    try:
        user = pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        return False
    return group in os.getgrouplist(user.pw_name, user.pw_gid)
