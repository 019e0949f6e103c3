"""What services may do to the host and to each other: exactly what the rules say of a compose file or Dockerfile."""

from pathlib import Path

import pytest

from celadon.check import exposure, privileges
from tests.unit.check.test_workspace import DB, HEAD, SHOP, facts

CHECKS = (privileges.rights, privileges.setuid, exposure.mounts, exposure.shared)
BUILT = HEAD.replace("image: web:1", "build: ./web")


def found(folder: Path, text: str, files: dict[str, str]) -> list[str]:
    seen = facts(folder, text, files)
    said = {f"{f.file}:{f.line}:{f.column} {f.severity} {f.rule} {f.what}" for check in CHECKS for f in check(seen)}
    return sorted(line.removeprefix(f"{folder}/").replace(str(folder), "HERE") for line in said)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + DB, []),
        (HEAD + "    privileged: true\n", ["11:5 warning compose/privileged web is privileged"]),
        (HEAD + "    privileged: false\n", []),
        (
            HEAD + DB + "    cap_add: [CAP_SYS_ADMIN]\n",
            ["14:5 warning compose/cap-add db adds the capability SYS_ADMIN"],
        ),
        (HEAD + "    cap_add: [ALL]\n", ["11:5 warning compose/cap-add web adds the capability ALL"]),
        (HEAD + "    cap_add: [NET_RAW]\n", ["11:5 info compose/cap-add web adds the capability NET_RAW"]),
        (
            HEAD + DB + "    network_mode: host\n",
            ["14:5 warning compose/host-namespace db uses the host's namespace: `network_mode: host`"],
        ),
        (
            HEAD + "    pid: host\n    ipc: host\n",
            [
                "11:5 warning compose/host-namespace web uses the host's namespace: `pid: host`",
                "12:5 warning compose/host-namespace web uses the host's namespace: `ipc: host`",
            ],
        ),
        (
            HEAD + "    userns_mode: host\n    ipc: private\n",
            ["11:5 warning compose/host-namespace web uses the host's namespace: `userns_mode: host`"],
        ),
        (
            HEAD + "    security_opt: ['seccomp:unconfined', 'no-new-privileges:false']\n",
            ["11:5 warning compose/unconfined web sets seccomp:unconfined"],
        ),
        (
            HEAD + "    devices: [/dev/sda:/dev/sda, /dev/dri]\n",
            ["11:5 warning compose/device web has access to the device /dev/sda"],
        ),
    ],
)
def test_rights_beyond_those_of_a_plain_container(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert found(tmp_path, text, {}) == [f"compose.yaml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            HEAD + "    volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']\n",
            ["11:15 warning compose/engine-socket web mounts the engine's socket: /var/run/docker.sock"],
        ),
        (
            HEAD + "    volumes: ['/run:/host:ro']\n",
            ["11:15 warning compose/engine-socket web mounts the engine's socket: /run"],
        ),
        (HEAD + "    volumes: ['/:/host:ro']\n", ["11:15 warning compose/host-mount web mounts / from the host"]),
        (HEAD + "    volumes: ['/etc:/x:ro']\n", ["11:15 warning compose/host-mount web mounts /etc from the host"]),
        (HEAD + "    volumes: ['/etc/localtime:/etc/localtime:ro']\n", []),
        (
            HEAD + "    volumes: ['./.celadon/releases:/x:ro']\n",
            ["11:15 error compose/celadon-mount web mounts Celadon's state folder"],
        ),
        (
            HEAD + "    volumes: ['.:/x:ro']\n",
            ["11:15 warning compose/celadon-mount web mounts HERE, which contains .celadon"],
        ),
        (
            BUILT + SHOP + "    volumes: ['./web/src:/x:ro', './mine:/y:ro']\n",
            ["15:15 warning compose/other-source shop mounts a folder of the build context of web: HERE/web/src"],
        ),
        (BUILT + "    volumes: ['./web/src:/x:ro']\n", []),
        # the data of both environments
        (
            HEAD + DB + "    volumes: ['./mine:/y']\n",
            ["14:15 warning compose/shared-between-environments db uses mine in both staging and production"],
        ),
        (HEAD + DB + "    volumes: ['./mine:/y:ro', './${CELADON_ENV}:/z']\n", []),
        (HEAD + DB + "    volumes: ['data:/y']\nvolumes: {data: {}}\n", []),
        (
            HEAD + DB + "    volumes: ['data:/y']\nvolumes: {data: {name: one}}\n",
            ["14:15 warning compose/shared-between-environments db uses one in both staging and production"],
        ),
        (
            HEAD + DB + "    networks: [both]\nnetworks: {both: {external: true}}\n",
            ["14:15 warning compose/shared-between-environments db uses both in both staging and production"],
        ),
    ],
)
def test_what_is_not_a_services_own(tmp_path: Path, text: str, expected: list[str]) -> None:
    files = {"web/src/x": "", "web/Dockerfile": "FROM a:1\n", "mine/x": "", "staging/x": "", "production/x": ""}
    assert found(tmp_path, text, files) == [f"compose.yaml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ('FROM a:1\nUSER 1\nCMD ["node"]', []),
        ('FROM a:1\nRUN apt-get update && apt-get install -y sudo\nUSER 1\nCMD ["x"]', ["2:1 RUN uses sudo"]),
        ('FROM a:1\nUSER 1\nENTRYPOINT ["sudo", "-E", "x"]', ["3:1 ENTRYPOINT uses sudo"]),
        ("FROM a:1\nUSER app\nCMD exec sudo x", ["3:1 CMD uses sudo"]),
        ('FROM a:1\nUSER app\nCMD ["sh", "-c", "x; su root -c y"]', ["3:1 CMD uses su"]),
        ('FROM a:1\nRUN apk add sudo\nCMD ["sudo", "x"]', []),  # root needs nothing new
        ('FROM a:1 AS build\nUSER 1\nRUN apk add sudo\nFROM b:1\nUSER 1\nCMD ["x"]', []),
        ('FROM a:1\nUSER 1\nCMD ["gosu", "app", "/opt/sudoku", "--su"]', []),
    ],
)
def test_images_that_need_setuid_programs(tmp_path: Path, dockerfile: str, expected: list[str]) -> None:
    files = {"web/Dockerfile": dockerfile}
    assert found(tmp_path, BUILT, files) == [
        f"web/Dockerfile:{line[:3]} warning dockerfile/setuid{line[3:]}" for line in expected
    ]
    assert found(tmp_path, BUILT + '    security_opt: ["no-new-privileges:false"]\n', files) == []
