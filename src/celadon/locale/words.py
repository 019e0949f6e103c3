"""Sentences that more than one verb says: what is so, why it matters, what to do."""

from celadon.locale import _

LIVE_RESTORE_OFF = (
    _("live-restore is off"),
    _("every service stops when the engine is restarted or updated"),
    _('"live-restore": true in /etc/docker/daemon.json, then: systemctl reload docker'),
)
