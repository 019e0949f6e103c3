"""A host with a default bridge, a step on it, a container behind a published port, and a cloud: all in namespaces.

Run below `unshare --net --mount`, it prints as JSON what the step reaches before, with, and after the rules.
"""

import ipaddress
import json
import subprocess
import sys
import time
from pathlib import Path

from celadon.adapters import firewall
from celadon.plan import build_network as plan

SERVE = """
import socket, sys, selectors
chosen = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    chosen.register(server, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in chosen.select():
        key.fileobj.accept()[0].close()
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2).close()
    print("reached")
except OSError:
    print("not")
"""
RESOLVER = "192.0.2.1"  # the host's own address on another interface
TARGETS = {
    "the bridge's address": ("172.17.0.1", 8080),
    "another address of the host": (RESOLVER, 8080),
    "the bridge's link-local address": ("fe80::1%eth0", 8080),
    "a global IPv6 address of the host": ("2001:db8:17::1", 8080),
    "a published port": (RESOLVER, 9090),
    "a metadata service elsewhere": ("169.254.169.254", 8080),
    "its IPv6 address": ("fd00:ec2::254", 8080),
    "another container on the bridge": ("172.17.0.3", 8080),
    "the resolver": (RESOLVER, 53),
    "the internet": ("198.51.100.7", 8080),
    "the internet over IPv6": ("2001:db8:99::7", 8080),
}


def run(words: str) -> None:
    subprocess.run(words.split(), check=True)


def machine(name: str, bridge: str, *addresses: str, routes: tuple[str, ...] = ()) -> None:
    """A network namespace on a bridge of the host's."""
    run(f"ip netns add {name}")
    run(f"ip link add v-{name} type veth peer name eth0 netns {name}")
    run(f"ip link set v-{name} master {bridge} up")
    run(f"ip -n {name} link set eth0 up")
    for address in addresses:
        run(f"ip -n {name} address add {address} dev eth0 {'nodad' if ':' in address else ''}")
    for route in routes:
        run(f"ip -n {name} route add {route}")


def bridge(name: str, *addresses: str) -> None:
    run(f"ip link add {name} type bridge")
    run(f"ip link set {name} up")
    for address in addresses:
        run(f"ip address add {address} dev {name} {'nodad' if ':' in address else ''}")


def build() -> None:
    run("mount -t tmpfs none /run")  # `ip netns` keeps its names there
    run("ip link set lo up")
    for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        Path("/proc/sys/net", setting).write_text("1")
    bridge("docker0", "172.17.0.1/16", "fe80::1/64", "2001:db8:17::1/64")
    bridge("apps0", "172.18.0.1/16")
    bridge("cloud0", f"{RESOLVER}/24", "169.254.1.1/16", "198.51.100.1/24", "fd00:ec2::1/64", "2001:db8:99::1/64")
    for name, address in (("step", "172.17.0.2"), ("peer", "172.17.0.3")):
        end = address[-1]
        machine(name, "docker0", f"{address}/16", f"2001:db8:17::{end}/64",
                routes=("default via 172.17.0.1", "::/0 via 2001:db8:17::1"))  # fmt: skip
    machine("app", "apps0", "172.18.0.2/16", routes=("default via 172.18.0.1",))
    machine("cloud", "cloud0", "169.254.169.254/16", "198.51.100.7/24", "fd00:ec2::254/64", "2001:db8:99::7/64",
            routes=("172.17.0.0/16 via 198.51.100.1", "2001:db8:17::/64 via 2001:db8:99::1"))  # fmt: skip
    run(f"iptables -t nat -A PREROUTING -d {RESOLVER} -p tcp --dport 9090 -j DNAT --to-destination 172.18.0.2:8080")


def serve(prefix: str, *ports: str) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen([*prefix.split(), sys.executable, "-c", SERVE, *ports], stdout=subprocess.PIPE)
    assert child.stdout and child.stdout.readline() == b"ready\n"
    return child


def seen() -> dict[str, str]:
    inside = ["ip", "netns", "exec", "step", sys.executable, "-c", CONNECT]
    asked = {name: subprocess.Popen([*inside, address, str(port)], stdout=subprocess.PIPE, text=True)
             for name, (address, port) in TARGETS.items()}  # fmt: skip
    return {name: child.communicate()[0].strip() for name, child in asked.items()}


def seen_once_it_is_up() -> dict[str, str]:
    """IPv6 first makes sure that nobody else has an address (for about a second)."""
    end = time.monotonic() + 15
    while "not" in (found := seen()).values() and time.monotonic() < end:
        pass
    return found


def put() -> None:
    for version in firewall.versions():
        saved = firewall.saved(version)
        firewall.change(version, plan.rules("docker0", version, [ipaddress.ip_address(RESOLVER)], saved))


def main() -> None:
    build()
    servers = [serve("", "8080", "53"), *(serve(f"ip netns exec {name}", "8080") for name in ("peer", "app", "cloud"))]
    try:
        looks = [seen_once_it_is_up()]
        put()
        put()  # as after a kill
        lasting = all(plan.in_force("docker0", firewall.saved(version)) for version in firewall.versions())
        looks.append(seen())
        for version in firewall.versions():
            firewall.change(version, plan.removal(firewall.saved(version)))
        looks.append(seen())
        left = "".join(map(firewall.saved, firewall.versions()))
    finally:
        for server in servers:
            server.kill()
            server.wait()
    print(json.dumps({"looks": looks, "in force": lasting, "left": left}))


if __name__ == "__main__":
    main()
