"""The process of a program that another user may run: harmless variables, a fixed PATH, nothing else of the caller's.

It imports nothing of Celadon: the first import of a text would already read LANGUAGE, which names a file.
"""

import os
import pwd
import re
import signal

HARMLESS = {
    **dict.fromkeys(("CELADON_LANG", "LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"), r"[A-Za-z0-9_.@:-]{1,80}"),
    "TERM": r"[A-Za-z0-9._-]{1,40}",
    **dict.fromkeys(("COLUMNS", "LINES", "SUDO_UID"), r"[0-9]{1,10}"),
    "NO_COLOR": r"1?",
}
READ = "SSH_ORIGINAL_COMMAND"  # words, read by `restricted` and by nobody else
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def clean() -> None:
    """Keep of the caller's process what is harmless: no other variable, open file, umask or ignored signal."""
    user = pwd.getpwuid(os.geteuid())
    kept = {name: os.environ[name] for name, good in HARMLESS.items() if re.fullmatch(good, os.environ.get(name, "\n"))}
    if READ in os.environ:
        kept[READ] = os.environ[READ]
    os.environ.clear()
    os.environ.update(kept, PATH=PATH, HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):  # ignored, programs that fail would seem to succeed
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):  # Ctrl-Z would keep the host's lock from everybody
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    os.closerange(3, 4096)
