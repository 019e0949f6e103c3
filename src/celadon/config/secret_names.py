"""Names of variables that hold secrets, by what teams and vendors call them. Pure."""

import re

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ENCODINGS = {"PEM", "BASE64", "BASE", "B64", "B", "JSON", "HEX", "DATA", "CONTENT", "CONTENTS", "RAW", "VALUE"}
# Anywhere in a name; other words count only at its end (TOKEN_TTL and KEY_ID hold no secret).
_ANYWHERE = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|PASSCODE|APIKEY|SECRET_KEY|PRIVATE_KEY|PASS_PHRASE|ACCESS_KEY_SECRET"
)
_LAST = re.compile(
    r"\w*(TOKEN|SECRETS?)|(API|SECRET|PRIVATE|ACCESS|AUTH|MASTER|SIGNING|ENCRYPTION|SSH|CLIENT|APP|SERVICE)?KEY|APIKEYS"
    r"|CREDENTIALS?|CREDS?|PASS|PWD|PW|JWT|PAT|DSN|PIN|OTP|TOTP|SALT|PEPPER|BEARER|SAS|MNEMONIC|WEBHOOKS?|HTPASSWD"
)
_TOGETHER = re.compile(
    r"CONN(ECTION)?_?STR(ING)?S?(_|$)|WEBHOOK_?(URLS?|URI)$|(BASIC|REDIS|REDISCLI|PROXY|HTTP|REGISTRY|NPM)_AUTH$|_DSNS?$"
    r"|^(PGPASS|NETRC|DOCKERCONFIGJSON|DOCKER_CONFIG_JSON|DOCKER_AUTH_CONFIG|KUBECONFIG_DATA)$"
)
_HARMLESS_LAST = re.compile(
    r"FILES?|PATHS?|DIR|FOLDER|NAMES?|HEADERS?|URLS?|URI|ENDPOINT|HOST|PORT|LENGTH|SIZE|BITS|TTL|EXPIR\w*|AGE|LIFETIME|TIMEOUT"
    r"|SECONDS|MINUTES|HOURS|DAYS|MS|COUNT|LIMIT|MIN|MAX|ALG|ALGORITHM|TYPE|FORMAT|ENABLED|DISABLED|REQUIRED|POLICY|ISSUER"
    r"|AUDIENCE|PREFIX|SUFFIX|ID|IDS|VERSION|REGION|USER|USERNAME|ROTATION|SECURE|DOMAIN|SCOPES?|IN|SAMESITE"
)
_HARMLESS_FIRST = {"MAX", "MIN", "NUM", "ENABLE", "DISABLE", "USE", "ALLOW", "REQUIRE", "SHOW", "HAS", "IS"}
_WORKING_FOLDERS = {"PWD", "OLDPWD"}


def words_of(name: str) -> list[str]:
    """`DB_PASS`, `dbPass` and `db.pass` are the words DB and PASS."""
    return [word.upper() for word in _WORDS.findall(name)]


def names_a_secret(name: str) -> bool:
    """Whether a variable of this name may hold a secret."""
    words = words_of(name)
    while words and (words[-1].isdigit() or (words[-1] in _ENCODINGS and len(words) > 1)):
        words.pop()  # API_KEY_2, PRIVATE_KEY_PEM
    joined = "_".join(words)
    if not words or "PUBLIC" in joined or joined in _WORKING_FOLDERS or words[0] in _HARMLESS_FIRST:
        return False
    if _TOGETHER.search(joined) or _TOGETHER.search("_".join(words_of(name))):
        return True
    if _HARMLESS_LAST.fullmatch(words[-1]):
        return False
    return bool(_LAST.fullmatch(words[-1]) or _ANYWHERE.search(joined))
