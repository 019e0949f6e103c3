"""What services say of their own secrets, hidden in what a deployment tells: a crash often quotes the password."""

import re
from collections.abc import Callable, Iterable, Iterator

from celadon.check.images import names_a_secret
from celadon.config.load import unescaped
from celadon.config.workspace import EnvironmentConfig

HIDDEN = "***"
LEAST = 6  # characters: what is shorter is no secret, and to hide it would spoil every text
PASSWORD = re.compile(r"://[^:/@\s]*:([^@\s]+)@")


def hider(configs: Iterable[EnvironmentConfig]) -> Callable[[str], str]:
    """What hides in a text the values of variables whose names say that they are secret, and passwords in addresses.

    Others stay: a host or a port that does not answer is the reason that an operator looks for.
    """
    found = sorted({one for config in configs for one in _secrets(config) if len(one) >= LEAST}, key=len, reverse=True)
    if not found:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, found)))
    return lambda text: pattern.sub(HIDDEN, text)


def _secrets(config: EnvironmentConfig) -> Iterator[str]:
    definitions = [*(service.definition for service in config.services.values()), *config.backing.values()]
    for definition in definitions:
        for name, value in (definition.get("environment") or {}).items():
            text = unescaped(str(value))
            if names_a_secret(name):
                yield from (line.strip() for line in text.splitlines())
            yield from PASSWORD.findall(text)
