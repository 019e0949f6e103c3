"""The rules that keep isolated builds from the host, as words of iptables-restore(8)."""

from ipaddress import ip_address

import pytest

from celadon.plan.build_network import in_force, removal, resolvers, rules

EMPTY = "# Generated\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\nCOMMIT\n"
# As iptables-save prints what the rules below make, between those of others.
FULL = """# Generated
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:CELADON-BUILD-FORWARD - [0:0]
:CELADON-BUILD-IN - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -i docker0 -j CELADON-BUILD-IN
-A INPUT -i lo -m comment --comment "not for CELADON-BUILD-IN" -j ACCEPT
-A FORWARD -i docker0 -j CELADON-BUILD-FORWARD
-A FORWARD -j DOCKER-USER
-A CELADON-BUILD-FORWARD -m conntrack --ctstate DNAT -j REJECT --reject-with icmp-port-unreachable
-A CELADON-BUILD-FORWARD -o docker0 -j REJECT --reject-with icmp-port-unreachable
-A CELADON-BUILD-IN -m conntrack --ctdir REPLY -j RETURN
-A CELADON-BUILD-IN -j REJECT --reject-with icmp-port-unreachable
-A DOCKER-USER -i docker0 -j CELADON-BUILD-FORWARD
COMMIT
"""
REMOVED = [
    "-D INPUT -i docker0 -j CELADON-BUILD-IN",
    "-D FORWARD -i docker0 -j CELADON-BUILD-FORWARD",
    "-D DOCKER-USER -i docker0 -j CELADON-BUILD-FORWARD",
    "-F CELADON-BUILD-IN",
    "-F CELADON-BUILD-FORWARD",
    "-X CELADON-BUILD-IN",
    "-X CELADON-BUILD-FORWARD",
]


def text(version: int, saved: str, *servers: str) -> list[str]:
    return [" ".join(rule) for rule in rules("docker0", version, map(ip_address, servers), saved)]


def test_what_comes_from_the_bridge_is_rejected_for_the_host_and_link_local_addresses() -> None:
    assert text(4, EMPTY, "10.0.0.53", "2001:db8::53") == [
        ":CELADON-BUILD-IN -",
        ":CELADON-BUILD-FORWARD -",
        "-A CELADON-BUILD-IN -m conntrack --ctdir REPLY -j RETURN",
        "-A CELADON-BUILD-IN -p udp -m conntrack --ctorigdst 10.0.0.53 --ctorigdstport 53 -j RETURN",
        "-A CELADON-BUILD-IN -p tcp -m conntrack --ctorigdst 10.0.0.53 --ctorigdstport 53 -j RETURN",
        "-A CELADON-BUILD-IN -j REJECT",
        "-A CELADON-BUILD-FORWARD -m conntrack --ctdir REPLY -j RETURN",
        "-A CELADON-BUILD-FORWARD -p udp -m conntrack --ctorigdst 10.0.0.53 --ctorigdstport 53 -j RETURN",
        "-A CELADON-BUILD-FORWARD -p tcp -m conntrack --ctorigdst 10.0.0.53 --ctorigdstport 53 -j RETURN",
        "-A CELADON-BUILD-FORWARD -d 169.254.0.0/16 -j REJECT",
        "-A CELADON-BUILD-FORWARD -d 168.63.129.16/32 -j REJECT",
        "-A CELADON-BUILD-FORWARD -d 100.100.100.200/32 -j REJECT",
        "-A CELADON-BUILD-FORWARD -d 192.0.0.192/32 -j REJECT",
        "-A CELADON-BUILD-FORWARD -m conntrack --ctstate DNAT -j REJECT",
        "-A CELADON-BUILD-FORWARD -o docker0 -j REJECT",
        "-I INPUT -i docker0 -j CELADON-BUILD-IN",
        "-I FORWARD -i docker0 -j CELADON-BUILD-FORWARD",
        "-I DOCKER-USER -i docker0 -j CELADON-BUILD-FORWARD",
    ]


def test_over_ipv6_neighbours_are_still_found() -> None:
    made = text(6, EMPTY.replace(":DOCKER-USER - [0:0]\n", ""), "10.0.0.53", "2001:db8::53")
    found = [rule for rule in made if "icmpv6" in rule]
    assert len(found) == 4 and max(map(made.index, found)) < made.index("-A CELADON-BUILD-IN -j REJECT")
    assert "-A CELADON-BUILD-FORWARD -d fe80::/10 -j REJECT" in made
    assert "-A CELADON-BUILD-FORWARD -d fd00:ec2::254/128 -j REJECT" in made
    assert "-A CELADON-BUILD-IN -p udp -m conntrack --ctorigdst 2001:db8::53 --ctorigdstport 53 -j RETURN" in made
    assert "10.0.0.53" not in " ".join(made) and "DOCKER-USER" not in " ".join(made)


def test_only_our_own_chains_are_removed_and_what_a_kill_left_is_not_doubled() -> None:
    assert [" ".join(rule) for rule in removal(FULL)] == REMOVED and removal(EMPTY) == []
    made = text(4, FULL)
    assert made[: len(REMOVED)] == REMOVED and made[len(REMOVED)] == ":CELADON-BUILD-IN -"


@pytest.mark.parametrize(
    "lost",
    [
        "-A INPUT -i docker0 -j CELADON-BUILD-IN",
        "-A FORWARD -i docker0 -j CELADON-BUILD-FORWARD",
        "-A DOCKER-USER -i docker0 -j CELADON-BUILD-FORWARD",
        "-A CELADON-BUILD-IN -j REJECT --reject-with icmp-port-unreachable",
        "-A CELADON-BUILD-FORWARD -o docker0 -j REJECT --reject-with icmp-port-unreachable",
    ],
)
def test_a_rule_that_somebody_took_away_is_noticed(lost: str) -> None:
    assert in_force("docker0", FULL) and not in_force("docker0", FULL.replace(f"{lost}\n", ""))
    assert not in_force("docker0", EMPTY)


@pytest.mark.parametrize(
    ("resolv_conf", "of_systemd", "daemon_json", "found"),
    [
        ("# a comment\nsearch example.com\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\n", "", "", "10.0.0.2 fe80::1"),
        ("nameserver 127.0.0.53\n", "nameserver 169.254.169.254\n", "", "169.254.169.254"),
        ("nameserver 127.0.0.1\nnameserver 10.0.0.2\n", "nameserver 10.0.0.9\n", "", "10.0.0.2"),
        ("nameserver 127.0.0.1\n", "", "", ""),
        ("nameserver 10.0.0.2\n", "", '{"dns": ["172.17.0.1"]}', "172.17.0.1"),
        ("nameserver 10.0.0.2\nnameserver none -j ACCEPT\nnameserver\n", "", "not JSON", "10.0.0.2"),
        ("", "", '{"dns": "10.0.0.1"}', ""),
        ("", "", "[]", ""),
    ],
)
def test_name_servers_are_those_that_the_engine_gives_to_steps(
    resolv_conf: str, of_systemd: str, daemon_json: str, found: str
) -> None:
    assert " ".join(map(str, resolvers(resolv_conf, of_systemd, daemon_json))) == found
