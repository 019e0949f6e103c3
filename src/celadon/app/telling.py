"""Who is told how a deployment goes: as it begins, as it ends, and when it was found killed."""

import time
from collections.abc import Callable, Iterable, Sequence

from celadon.app import actor
from celadon.app.configs import kept_or_read, read
from celadon.app.workspace import Workspace
from celadon.config.notify import Notify
from celadon.config.workspace import EnvironmentConfig
from celadon.errors import Cancelled, UsageError
from celadon.locale import _
from celadon.plan.steps import Commit, Plan
from celadon.run import news, notifying
from celadon.run.news import Course, Message
from celadon.run.notifying import Messenger
from celadon.run.report import Report
from celadon.state.record import Deployment
from celadon.state.snapshot import Move


class News:
    """What a runner lets people know of its deployment. Nothing here raises: a message is not worth a deployment."""

    def __init__(self, configs: Sequence[EnvironmentConfig], number: int, report: Report) -> None:
        self.messenger = Messenger(report)
        self._configs, self._number, self._report = configs, number, report
        self._moves: tuple[Move, ...] = ()
        self._begun: float | None = None

    def begun(self, workspace: Workspace, plan: Plan) -> None:
        """It has the lock and begins, with this plan."""
        self._begun = time.monotonic()
        self._moves = tuple(move for step in plan.steps if isinstance(step, Commit) for move in step.moves)
        self._tell(lambda: news.started(self._course(workspace)))

    def over(self, workspace: Workspace) -> None:
        """It has ended, and the record says how. Returns when people were told, or cannot be."""
        self._tell(lambda: news.ended(self._course(workspace)))
        self.messenger.settle()

    def _tell(self, say: Callable[[], Message]) -> None:
        addresses = self._configs[0].notify
        try:
            if addresses:
                self.messenger.tell(addresses, say())
        except Cancelled:
            raise
        except Exception as problem:  # its words may hold anything
            self._report.note(_("Nobody was told: {problem}.").format(problem=type(problem).__name__))

    def _course(self, workspace: Workspace) -> Course:
        config = self._configs[0]
        deployment = next(d for d in workspace.record.deployments(config.name, 1000) if d.id == self._number)
        live = {service: one for (name, service), one in workspace.record.live().items() if name == config.name}
        seconds = time.monotonic() - self._begun if self._begun is not None else None
        reason = news.in_one_line(deployment.message)  # the record holds no secret
        return Course(config.workspace, deployment, self._moves, live, seconds, reason)


def tell_the_killed(workspace: Workspace, killed: Iterable[Deployment], messenger: Messenger) -> None:
    """Tell of deployments whose runner was killed, as those where they ran are told."""
    for deployment in killed:
        try:
            addresses = kept_or_read(workspace, deployment.environment).notify
        except Cancelled:
            raise
        except Exception:  # the environment is no more, or the file cannot be read: a heal goes on
            addresses = {}
        messenger.tell(addresses, news.ended(Course(workspace.outline.name, deployment)))


def try_it(workspace: Workspace, environment: str) -> dict[int, tuple[Notify, bool]]:
    """Send a test message to every address of an environment, whatever it is told of; returns which took it, by place.

    Raises UsageError where there is none.
    """
    name = workspace.outline.environment(environment)
    addresses = read(workspace.outline, name).notify
    if not addresses:
        raise UsageError(
            _("Nobody is told of {environment}: `notify` has no address, or its variable is not set.").format(
                environment=name
            ),
            hint=_("Name one: {example}").format(example='x-celadon.notify: ["${CELADON_NOTIFY_URL:-}"]'),
        )
    taken = notifying.deliver(addresses, news.trial(workspace.outline.name, name, actor.current().name))
    return {place: (one, taken[place]) for place, one in addresses.items()}
