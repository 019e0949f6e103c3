"""What an operator asks for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """A verb that acts, in the operator's words. `services` empty means all; `to` is a release (rollback).

    `stop_first`: what runs is stopped before its successor starts, where memory does not hold both.
    """

    verb: str
    environment: str
    services: tuple[str, ...] = ()
    ref: str | None = None
    force: bool = False
    to: str | None = None
    volumes: bool = False
    stop_first: bool = False

    def __str__(self) -> str:
        return " ".join([self.verb, self.environment, *self.services])
