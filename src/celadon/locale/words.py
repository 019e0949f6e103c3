"""Sentences that more than one verb says: what is so, why it matters, what to do."""

from celadon.locale import _

LIVE_RESTORE_OFF = (
    _("live-restore is off"),
    _("every service stops when the engine is restarted or updated"),
    _('"live-restore": true in /etc/docker/daemon.json, then: systemctl reload docker'),
)

MAKE_SWAP = "fallocate -l 2G /swapfile && chmod 600 /swapfile && mkswap /swapfile && swapon /swapfile"

# What the record, the engine and machines call by a fixed name, as people read it.
_NAMES = {
    "waiting": _("waiting"), "running": _("running"), "succeeded": _("succeeded"), "failed": _("failed"),
    "reverted": _("reverted"), "cancelled": _("cancelled"), "interrupted": _("interrupted"),
    "asked": _("requested"), "begun": _("started"), "ended": _("finished"), "refused": _("denied"),
    "healthy": _("healthy"), "unhealthy": _("unhealthy"), "starting": _("starting"),
    "created": _("created"), "exited": _("exited"), "restarting": _("restarting"), "paused": _("paused"),
    "removing": _("removing"), "dead": _("dead"),
    "router": _("router"), "backing": _("backing"), "live": _("live"), "rollback": _("rollback"),
    "release": _("release"), "image": _("image"), "build cache": _("build cache"),
    "error": _("error"), "warning": _("warning"), "info": _("info"),
    "memory": _("memory"), "io": _("io"), "cpu": _("cpu"), "workspace": _("workspace"),
}  # fmt: skip

# The ways to hold a build at its cap, see `run.ways`.
_CAPPED_BY = {
    "group": _("a control group above all steps"),
    "step": _("BuildKit's own limit of each step"),
    "builder": _("the limits of the builder's container"),
}


def capped_by(mark: str) -> str:
    """A way of capping builds as people read it; its mark begins with its kind."""
    return _CAPPED_BY.get(mark.partition(" ")[0], mark)


def called(name: str) -> str:
    """`name` as people read it; a name that is not known here stays as it is."""
    return _NAMES.get(name, name)
