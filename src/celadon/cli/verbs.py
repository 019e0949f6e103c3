"""The verbs, and the help that lists them: no import but the catalogue, so that `celadon --help` is instant."""

from celadon.locale import _

# Verb → its module and its line in --help. Modules are imported when a verb runs.
VERBS = {
    "attach": ("attach", _("Show a deployment from its start, and follow it.")),
    "audit": ("audit", _("Show who did what, with tamper detection.")),
    "build": ("build", _("Build images, one at a time, for a later deploy.")),
    "cancel": ("cancel", _("Stop a deployment, safely.")),
    "cleanup": ("cleanup", _("Remove what nothing needs any more; only what Celadon made.")),
    "check": ("check", _("What is wrong with what a team brings, before it is deployed.")),
    "completion": ("completion", _("Print the shell's completion script.")),
    "deploy": ("deploy", _("Fetch, build and switch services, without losing a request.")),
    "diagnose": ("diagnose", _("What is wrong with this server, and what will be.")),
    "docs": ("docs", _("Read the manual: the guide's pages, and every key of the file.")),
    "down": ("down", _("Stop an environment; the record stays.")),
    "drill": ("drill", _("Prove, without switching, that a rollback would work.")),
    "env": ("env", _("Variables of environments: pull, diff, check, edit, run with them.")),
    "exec": ("exec", _("Run a command in the container that users reach.")),
    "history": ("history", _("What was deployed, promoted, rolled back, by whom, and how it ended.")),
    "import": ("importing", _("Make a workspace of an old compose file and its nginx.conf.")),
    "init": ("init", _("Make a workspace of a folder of repositories.")),
    "install-rights": ("install_rights", _("Allow a Unix group to deploy to a single environment.")),
    "install-service": ("install_service", _("Heal at boot, through systemd.")),
    "logs": ("logs", _("What a service prints.")),
    "notify": ("notify", _("Try whether the messages of an environment arrive.")),
    "plan": ("plan", _("Show what deploy, promote or rollback would do.")),
    "promote": ("promote", _("Bring to production the very images that staging runs.")),
    "reconcile": ("reconcile", _("Heal what a killed run or a reboot left.")),
    "releases": ("releases", _("Releases that are kept, and what a rollback brings back.")),
    "rollback": ("rollback", _("Go back to the release before, exactly as it was.")),
    "status": ("status", _("What runs where, in one table.")),
    "up": ("up", _("Start an environment: network, backing services, router, what was live.")),
}


def help_text() -> str:
    """What `celadon --help` prints."""
    width = max(map(len, VERBS)) + 2
    options = (
        ("-C FOLDER", _("The workspace, or a folder in it (default: here).")),
        ("--version", _("Show the version.")),
        ("-h, --help", _("Show this, or the help of a verb.")),
    )
    return "\n".join(
        [
            _("Usage: celadon [-C FOLDER] VERB …"),
            "",
            _("Deploys many Docker services to one small server, and never hurts what runs there."),
            "",
            _("Verbs:"),
            *(f"  {name:{width}}{text}" for name, (_module, text) in VERBS.items()),
            "",
            _("Options:"),
            *(f"  {name:{width}}{text}" for name, text in options),
            "",
            _("A verb's own help: celadon VERB --help"),
            "",
        ]
    )
