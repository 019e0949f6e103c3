"""Values that are no secrets: numbers, switches, hosts, paths, addresses, common words. Pure."""

import ipaddress
import re
from collections.abc import Container
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

from celadon.config.secret_names import names_a_secret, words_of

_COMMON = """
    production staging development testing preview sandbox default localhost example optional required verbose
    warning notice error errors critical information silent simple pretty plaintext console stdout stderr logfmt
    combined postgres postgresql mariadb mongodb sqlite sqlite3 rabbitmq memcached elasticsearch opensearch minio
    memory redis nginx docker compose public private internal external master replica primary secondary leader
    follower worker workers server client service services backend frontend gateway scheduler admin administrator
    nobody anonymous unknown strict latest stable nightly canary english korean german french spanish utf-8 utf8mb4
    sha256 sha512 hs256 rs256 es256 aes-256-gcm argon2id bcrypt starttls password secret changeme
"""
_SWITCHES = "true false yes no on off y n none null nil enabled disabled enable disable auto always never"
_WORDS = frozenset(f"{_COMMON} {_SWITCHES}".split())

_NUMBER = re.compile(
    r"[-+]?[\d_]+([.,:/x-]\d+)*(e[-+]?\d+)?( ?(%|[kmgt]?i?b?|[num]?s|sec|min|h|d|w|y|px))?", re.IGNORECASE
)
_ENDINGS = (
    "com|net|org|io|dev|app|ai|co|cloud|tech|info|biz|test|example|invalid|local|localdomain|localhost|internal|intranet"
    "|lan|home|corp|svc|cluster|arpa|eu|uk|us|ca|de|fr|it|es|nl|be|at|ch|se|no|dk|fi|pl|cz|pt|ie|kr|jp|cn|tw|hk|sg|in|au|nz"
    "|br|mx|ru|ua|tr|il|za"
)
_HOST = re.compile(rf"(?:[a-z0-9_-]{{1,63}}\.)+(?:{_ENDINGS})(?::\d{{1,5}})?")
_PATH = re.compile(r"(?:~|\.{1,2})?(?:/[\w.@ -]+)+/?|/")
_FILE = re.compile(
    r"[\w.@-]+(?:/[\w.@-]+)*\.(?:pem|crt|cer|key|p12|pfx|jks|json|ya?ml|toml|ini|conf|cfg|env|txt|log|xml|properties|sqlite"
    r"|db|sock|html|css|js|ts|py|jar|sh|sql)"
)
_WELL_KNOWN_PATH = re.compile(r"/(?:run|etc|var|app|opt|home|root|srv|tmp|usr|mnt|data|secrets|config)/[\w./-]+")
_LOCALE = re.compile(r"[a-z]{2,3}[-_][A-Z]{2}(?:\.[A-Za-z0-9-]+)?|[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_]+){1,2}")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_RANDOM = re.compile(
    r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}|[A-Za-z]{24,}|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-"
)
_FOR_WORDS = re.compile(
    r"NAME|USER|USERNAME|HOST|HOSTNAME|PORT|DB|DATABASE|SCHEMA|REGION|ZONE|LEVEL|MODE|ENV|ENVIRONMENT|FORMAT|LANG|LANGUAGE"
    r"|LOCALE|TZ|TIMEZONE|VERSION|PREFIX|PATH|DIR|FILE|TTL|TIMEOUT|DRIVER|DIALECT|TYPE|BUCKET|QUEUE|TOPIC|THEME|PROVIDER"
    r"|BACKEND|STRATEGY|PROFILE|PROFILES|ALGORITHM|ALG|CHARSET|ENCODING|INTERVAL|SCHEDULE"
)
_A_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,39}")
_SEPARATORS = re.compile(r"[,;\s]+")


def is_readable(name: str, text: str, names: Container[str] = ()) -> bool:
    """Whether a value of a variable that is not named as a secret may be shown; `names` are those of the workspace."""
    if _ADDRESS.match(text):
        return is_plain_address(text)
    if _NUMBER.fullmatch(text) or all(part in names or _is_plain(part, names) for part in _SEPARATORS.split(text)):
        return True
    last = words_of(name)[-1:] or [""]
    return bool(_FOR_WORDS.fullmatch(last[0]) and _A_WORD.fullmatch(text)) and not looks_random(text)


def is_common(text: str) -> bool:
    """Whether it is a switch such as `true`, or a word that stands in every log."""
    return text.lower() in _WORDS


def is_well_known_path(text: str) -> bool:
    return bool(_WELL_KNOWN_PATH.fullmatch(text))


def looks_random(text: str) -> bool:
    """Whether a part of it is long and has letters and digits in no order, as tokens and keys have."""
    return bool(_RANDOM.search(text))


def is_plain_address(text: str) -> bool:
    """An address without a login, and without anything in it that looks like a token."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    if not parts.scheme or "@" in parts.netloc or looks_random(f"{parts.path} {parts.query} {parts.fragment}"):
        return False
    return not any(names_a_secret(key) for key, _value in parse_qsl(f"{parts.query}&{parts.fragment}"))


def _is_plain(text: str, names: Container[str]) -> bool:
    if is_common(text) or _NUMBER.fullmatch(text):
        return True
    if looks_random(text):
        return False
    host, _colon, port = text.rpartition(":")
    if port.isdecimal() and (host in names or is_common(host)):
        return True
    return (
        _is_ip(text)
        or any(form.fullmatch(text) for form in (_HOST, _PATH, _FILE, _LOCALE))
        or (bool(_ADDRESS.match(text)) and is_plain_address(text))
    )


def _is_ip(text: str) -> bool:
    host, _colon, port = text.rpartition(":")
    for candidate in (text.strip("[]"), host.strip("[]") if port.isdecimal() else ""):
        with suppress(ValueError):
            ipaddress.ip_network(candidate, strict=False)
            return True
    return False
