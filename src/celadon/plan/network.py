"""The addresses of an environment's network: which ones the engine hands out, and which ones belong to slots."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True)
class Network:
    """An environment's network. The engine hands out the lower half; the upper half is Celadon's, slot by slot.

    A slot keeps its address for ever: no name is resolved on a request's way, and no restart in another order can
    send one service's users to another service.
    """

    subnet: IPv4Network

    @property
    def dynamic(self) -> IPv4Network:
        return next(self.subnet.subnets(1))

    @property
    def gateway(self) -> IPv4Address:
        """The host's own address in it."""
        return self.subnet.network_address + 1

    @property
    def router(self) -> IPv4Address:
        return self.address(0)

    def address(self, place: int) -> IPv4Address:
        """The fixed address number `place` (0 is the router's). Raises ValueError when the network is too small."""
        upper = list(self.subnet.subnets(1))[1]
        if place + 2 >= upper.num_addresses:
            raise ValueError(place)
        return upper.network_address + 1 + place

    def place(self, address: str) -> int:
        """The number of a fixed address."""
        upper = list(self.subnet.subnets(1))[1]
        return int(IPv4Address(address)) - int(upper.network_address) - 1
