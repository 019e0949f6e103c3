"""Rules of what a container may do to the host: rights that it is given, and namespaces that it shares."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from celadon.check.dockerfile import Instruction, parse
from celadon.check.facts import INFO, WARNING, Build, Facts, Finding, Rule
from celadon.locale import _
from celadon.plan.confinement import NO_NEW_PRIVILEGES

PRIVILEGED = Rule(
    "compose/privileged",
    WARNING,
    _("root in a privileged container is root on the host"),
    _("Remove `privileged`; grant only the capability or device it needs with `cap_add` or `devices`."),
)
CAP_ADD = Rule(
    "compose/cap-add",
    INFO,
    _("anyone who compromises the service can use this capability"),
    _("Remove {capability} unless the service fails without it."),
)
HOST_NAMESPACE = Rule(
    "compose/host-namespace",
    WARNING,
    _("the container can see, and may access, resources of the host and of all other containers in this namespace"),
    _("Remove `{key}: host`."),
)
UNCONFINED = Rule(
    "compose/unconfined",
    WARNING,
    _("it disables a protection that every container has by default"),
    _("Remove it, or use a profile that allows only the blocked system call."),
)
DEVICE = Rule(
    "compose/device",
    WARNING,
    _("anyone who can read or write this device bypasses all file permissions on the host"),
    _("Remove it; mount the folder the service needs instead."),
)
SETUID = Rule(
    "dockerfile/setuid",
    WARNING,
    _("services run with no-new-privileges, so programs cannot become root and sudo fails"),
    _(
        "Do it at build time, or start as root and drop privileges with gosu or su-exec; else: security_opt: "
        '["{option}"]'
    ),
)

# With these, a process leaves its container, or stops the host.
_POWERFUL = frozenset(
    {
        "ALL",
        "BPF",
        "DAC_READ_SEARCH",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "NET_ADMIN",
        "PERFMON",
        "SYSLOG",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_MODULE",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYS_TIME",
    }
)
_NAMESPACES = ("network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup")
_OFF = re.compile(r"(seccomp|apparmor|systempaths)[:=]unconfined|label[:=]disable")
_DISKS = re.compile(r"/dev/(sd|hd|vd|xvd|nvme|mmcblk|md|dm-|mapper/|loop|mem$|kmem$|port$)")
_SUDO = re.compile(r"(?:^|[\s\"'\[,;&|(])(sudo|doas|su)(?=[\s\"',\]]|$)")
_INSTALLS_SUDO = re.compile(
    r"\b(?:apt|apt-get|apk|dnf|microdnf|yum|zypper)\b[^;&|]*\b(?:install|add)\b[^;&|]*\s(sudo|doas)\b"
)
_OPTED_OUT = f"{NO_NEW_PRIVILEGES}:false"


def rights(seen: Facts) -> Iterator[Finding]:
    """What services are given beyond a plain container."""
    for _config, name, definition in seen.definitions():
        for rule, key, what, words in _given(name, definition):
            severity = WARNING if words.pop("powerful", False) else ""
            yield rule.at(seen.file, seen.raw.at(("services", name, key), key=True), what, severity=severity, **words)


def _given(name: str, definition: Mapping[str, Any]) -> Iterator[tuple[Rule, str, str, dict[str, Any]]]:
    if definition.get("privileged"):
        yield PRIVILEGED, "privileged", _("{service} is privileged").format(service=name), {}
    for added in definition.get("cap_add") or []:
        capability = str(added).upper().removeprefix("CAP_")
        what = _("{service} adds the capability {capability}").format(service=name, capability=capability)
        yield CAP_ADD, "cap_add", what, {"capability": capability, "powerful": capability in _POWERFUL}
    for key in _NAMESPACES:
        if definition.get(key) == "host":
            what = _("{service} uses the host's namespace: `{key}: host`").format(service=name, key=key)
            yield HOST_NAMESPACE, key, what, {"key": key}
    for option in definition.get("security_opt") or []:
        if _OFF.fullmatch(str(option)):
            yield UNCONFINED, "security_opt", _("{service} sets {option}").format(service=name, option=option), {}
    for device in definition.get("devices") or []:
        source = str(device.get("source") if isinstance(device, Mapping) else device).partition(":")[0]
        if _DISKS.match(source):
            what = _("{service} has access to the device {device}").format(service=name, device=source)
            yield DEVICE, "devices", what, {}


def setuid(seen: Facts) -> Iterator[Finding]:
    """Images whose program, which is not root, becomes root by a setuid program: Celadon forbids it by default."""
    allowed = {
        name
        for _config, name, definition in seen.definitions()
        if _OPTED_OUT in map(str, definition.get("security_opt") or [])
    }
    for build in seen.builds:
        if not allowed.issuperset(build.services):
            for program, one in _becoming_root(build):
                what = _("{instruction} uses {program}").format(instruction=one.name, program=program)
                place = build.inside(one.place)
                yield SETUID.at(build.file, place, what, option=_OPTED_OUT).about(build.services)


def _becoming_root(build: Build) -> Iterator[tuple[str, Instruction]]:
    dockerfile = parse(build.text or "")
    stage = dockerfile.last(build.target)
    body = [one for part in dockerfile.lineage(stage) for one in part.body] if stage else []
    user = next((one.text.partition(":")[0] for one in reversed(body) if one.name == "USER"), "root")
    if user in ("root", "0") or "USER" in build.overridden:
        return
    for one in body:
        if one.name in {"CMD", "ENTRYPOINT", "HEALTHCHECK"} - build.overridden:
            found = _SUDO.search(one.text)
        else:
            found = _INSTALLS_SUDO.search(one.text) if one.name == "RUN" else None
        if found:
            yield found[1], one
