"""Rules of iptables that keep the steps of a build away from this host, and from a cloud's metadata service.

Steps of the engine's own builder are on its default bridge. What they send to this host comes to INPUT; what they send
to a port that a container publishes, or to another machine, comes to FORWARD. The rules only reject: what they let
through still meets every other rule of the host.
"""

import ipaddress
import json
import re
from collections.abc import Iterable

IN, FORWARD = "CELADON-BUILD-IN", "CELADON-BUILD-FORWARD"
# Docker's own place for other people's rules: older engines move it to the top of FORWARD with every new network.
ENGINES = "DOCKER-USER"
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
# Link-local addresses, and where clouds have metadata services beside them: Azure, Alibaba, Oracle; Amazon, Google.
METADATA = {
    4: ("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32"),
    6: ("fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"),
}
NEIGHBOURS = ("133", "134", "135", "136")  # ICMPv6: without these there is no way to the gateway

Rule = tuple[str, ...]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def rules(interface: str, version: int, resolvers: Iterable[Address], saved: str) -> list[Rule]:
    """What makes iptables (`version` 4) or ip6tables (6) hold builds on `interface`; `saved` is what it has now.

    Jumps that are there already are made anew, and the chains emptied.
    """
    excepted: list[Rule] = [("-m", "conntrack", "--ctdir", "REPLY")]  # connections that were opened from this side
    for resolver in resolvers:
        if resolver.version == version:
            asked = ("-m", "conntrack", "--ctorigdst", str(resolver), "--ctorigdstport", "53")
            excepted += [("-p", protocol, *asked) for protocol in ("udp", "tcp")]
    neighbours: list[Rule] = [
        ("-p", "ipv6-icmp", "-m", "icmp6", "--icmpv6-type", kind) for kind in NEIGHBOURS if version == 6
    ]
    rejected: list[Rule] = [("-d", network) for network in METADATA[version]]
    rejected += [("-m", "conntrack", "--ctstate", "DNAT"), ("-o", interface)]
    return [
        *removal(saved),
        (f":{IN}", "-"),
        (f":{FORWARD}", "-"),
        *(("-A", IN, *words, "-j", "RETURN") for words in [*excepted, *neighbours]),
        ("-A", IN, "-j", "REJECT"),
        *(("-A", FORWARD, *words, "-j", "RETURN") for words in excepted),
        *(("-A", FORWARD, *words, "-j", "REJECT") for words in rejected),
        *(("-I", *jump) for jump in _jumps(interface, saved)),
    ]


def _jumps(interface: str, saved: str) -> list[Rule]:
    places = [("INPUT", IN), ("FORWARD", FORWARD)]
    if _has(saved, ENGINES):
        places.append((ENGINES, FORWARD))
    return [(place, "-i", interface, "-j", chain) for place, chain in places]


def removal(saved: str) -> list[Rule]:
    """What takes away all of it, of whatever interface; nothing where nothing is there."""
    ours = [chain for chain in (IN, FORWARD) if _has(saved, chain)]
    lines = [tuple(line.split()) for line in saved.splitlines() if line.startswith("-A ")]
    jumps = [("-D", *words[1:]) for words in lines if words[-2:-1] == ("-j",) and words[-1] in ours]
    return [*jumps, *(("-F", chain) for chain in ours), *(("-X", chain) for chain in ours)]


def in_force(interface: str, saved: str) -> bool:
    """Whether all of it is still there: a firewall that is loaded anew while a build runs takes it away."""
    lines = saved.splitlines()
    last = (f"-A {IN} -j REJECT", f"-A {FORWARD} -o {interface} -j REJECT")  # with what is sent back, behind them
    jumps = [" ".join(("-A", *jump)) for jump in _jumps(interface, saved)]
    return set(jumps) <= set(lines) and all(any(line.startswith(rule) for line in lines) for rule in last)


def _has(saved: str, chain: str) -> bool:
    return f"\n:{chain} " in saved


def resolvers(resolv_conf: str, of_systemd: str, daemon_json: str) -> list[Address]:
    """The name servers that the engine gives to steps: its own setting, else the host's but for those on loopback.

    Source: moby, daemon/libnetwork/internal/resolvconf. Where only systemd-resolved is on loopback, those that it asks.
    """
    found = _addresses(_setting(daemon_json)) or _addresses(_name_servers(resolv_conf))
    if found and all(address.is_loopback for address in found):
        found = _addresses(_name_servers(of_systemd))
    return [address for address in found if not address.is_loopback]


def _setting(daemon_json: str) -> list[str]:
    try:
        found = json.loads(daemon_json).get("dns") or []
    except (ValueError, AttributeError):
        return []
    return [*map(str, found)] if isinstance(found, list) else []


def _name_servers(resolv_conf: str) -> list[str]:
    lines = (line.split() for line in resolv_conf.splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def _addresses(texts: Iterable[str]) -> list[Address]:
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_address(text.partition("%")[0]))
        except ValueError:
            continue
    return found
