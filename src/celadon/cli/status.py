"""celadon status: what runs where."""

from pathlib import Path

import click

from celadon.app import looking
from celadon.app.looking import Row, Status
from celadon.cli import arguments, output
from celadon.cli.opening import open_workspace
from celadon.locale import _, numbers
from celadon.locale.words import called
from celadon.state import snapshot as labels


@click.command("status", help=_("What runs where, in one table."))
@arguments.environment_or_all
@arguments.as_json
@click.pass_obj
def command(folder: Path, environment: str | None, as_json: bool) -> None:
    status = looking.status(open_workspace(folder), environment)
    if as_json:
        output.as_json(_machine(status))
        return
    heads = [_("SERVICE"), _("ENVIRONMENT"), _("RELEASE"), _("SUBJECT"), _("AGE"), _("SLOT"), _("HEALTH"), _("MEMORY"),
             _("RESTARTS")]  # fmt: skip
    output.table(heads, [_cells(row, status.now) for row in status.rows])
    free = _("disk: {free} free of {total}").format(free=numbers.size(status.free), total=numbers.size(status.total))
    output.lines(["", f"{free} · {_lock(status)}"])
    output.lines(
        _("deployment {number}, {verb} {environment}, is {state}: celadon attach {number}").format(
            number=d.id, verb=d.verb, environment=d.environment, state=called(d.outcome)
        )
        for d in status.deployments
    )


def _lock(status: Status) -> str:
    if status.lock_problem:
        return _("lock: unusable. {problem}").format(problem=status.lock_problem)
    return _("lock: {holder}").format(holder=status.holder) if status.holder else _("lock: free")


def health(row: Row) -> str:
    """The state of a row in one word; what is not well begins with "!"."""
    container = row.container
    if container is None:
        return "!" + _("gone") if row.release else "-"
    if not container.running:
        return "!" + _("{state} (code {code})").format(state=called(container.state), code=container.exit_code)
    if row.release and container.release != row.release.id:
        return "!" + _("runs {release}").format(release=container.release)
    if container.health == "unhealthy":
        return "!" + called(container.health)
    return called(container.health or "running")


def _cells(row: Row, now: str) -> list[str]:
    release, container = row.release, row.container
    name = release.id if release else ("-" if row.role == labels.IN_SLOT else f"({called(row.role)})")
    limit = f"/{numbers.size(container.memory_limit)}" if container and container.memory_limit else ""
    subject = release.subject if release else ""
    return [
        row.service,
        row.environment,
        name,
        output.shortened(subject, 40),
        numbers.age(release.created, now) if release else "",
        row.slot,
        health(row),
        numbers.size(row.memory) + limit if container else "",
        str(container.restarts) if container else "",
    ]


def _machine(status: Status) -> dict[str, object]:
    return {
        "services": [
            {
                "service": row.service,
                "environment": row.environment,
                "role": row.role,
                "release": row.release.id if row.release else None,
                "image_id": row.release.image_id if row.release else None,
                "commit": row.release.commit if row.release else None,
                "subject": row.release.subject if row.release else None,
                "created": row.release.created if row.release else None,
                "slot": row.slot or None,
                "container": row.container.name if row.container else None,
                "running_image_id": row.container.image_id if row.container else None,
                "state": row.container.state if row.container else None,
                "health": (row.container.health or None) if row.container else None,
                "well": not health(row).startswith("!"),
                "memory_bytes": row.memory,
                "memory_limit_bytes": (row.container.memory_limit or None) if row.container else None,
                "restarts": row.container.restarts if row.container else None,
            }
            for row in status.rows
        ],
        "disk": {"free_bytes": status.free, "total_bytes": status.total},
        "lock": vars(status.holder) if status.holder else None,
        "lock_problem": status.lock_problem or None,
        "deployments": [vars(d) for d in status.deployments],
        "now": status.now,
    }
