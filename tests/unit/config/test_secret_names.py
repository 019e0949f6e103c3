"""Which names of variables say that they hold a secret."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celadon.config.secret_names import names_a_secret

SECRETS = """
    DB_PASS SMTP_PASS PASSPHRASE SSH_KEY_PASSPHRASE APIKEY API_KEY API_KEY_2 OPENAI_APIKEY GITHUB_PAT GITHUB_TOKEN JWT
    JWT_SECRET JWT_SECRET_KEY SENTRY_DSN SLACK_WEBHOOK_URL DISCORD_WEBHOOK TEAMS_WEBHOOK_URI CONNECTION_STRING
    AZURE_STORAGE_CONNECTION_STRING ConnectionStrings__Default PRIVATE_KEY_PEM PRIVATE_KEY TLS_PRIVATE_KEY_BASE64
    AWS_SECRET_ACCESS_KEY DB_PASSWORD PASSWORD_2 POSTGRES_PASSWORD dbPassword db.password spring.datasource.password
    MYSQL_PWD SESSION_SECRET COOKIE_SECRET STRIPE_SECRET_KEY GOOGLE_APPLICATION_CREDENTIALS_JSON AWS_CREDENTIALS SALT
    PASSWORD_SALT SAS_TOKEN REDISCLI_AUTH BASIC_AUTH NPM_AUTH TOKEN SECRET KEY LICENSE_KEY PIN TOTP_SECRET HTPASSWD
    ENCRYPTION_KEY_HEX WALLET_MNEMONIC secretKey SSHKEY SERVICE_ACCOUNT_KEY_JSON
"""
OTHERS = """
    PATH HOME PORT HOST LOG_LEVEL NODE_ENV TOKEN_TTL TOKEN_EXPIRES_IN JWT_EXPIRES_IN_HOURS JWT_ALGORITHM JWT_ISSUER
    JWT_AUDIENCE PUBLIC_KEY NEXT_PUBLIC_API_KEY NEXT_PUBLIC_SENTRY_DSN PASSWORD_FILE POSTGRES_PASSWORD_FILE KEY_PATH
    SECRET_NAME SECRETS_DIR TOKEN_URL PASSWORD_RESET_URL MAX_TOKENS MAX_TOKEN PASSWORD_MIN_LENGTH KEY_ID PWD OLDPWD
    TOKEN_HEADER KEYBOARD MONKEY_PATCH AUTHOR COMPASS_HOST BYPASS_CACHE PASSENGER_APP PATTERN DATABASE_URL REDIS_URL
    ENABLE_PASSWORD REQUIRE_TOKEN JWT_COOKIE_SECURE TURKEY_MODE WEBHOOK_PATH LUCKY_MONKEY
    GPG_KEYS SESSION_COOKIE HOTKEY COMPASS
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_secrets_are_known_by_their_names(name: str) -> None:
    assert names_a_secret(name) and names_a_secret(f"SHOP_{name}") and names_a_secret(name.lower())


@pytest.mark.parametrize("name", OTHERS.split())
def test_what_speaks_of_secrets_without_being_one_is_not_taken_for_one(name: str) -> None:
    assert not names_a_secret(name)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=40))
def test_any_name_has_an_answer(name: str) -> None:
    assert names_a_secret(name) in (True, False)


@settings(deadline=None, max_examples=50)
@given(st.from_regex(r"[A-Z]{1,8}(_[A-Z]{1,8}){0,2}", fullmatch=True), st.sampled_from(["PASSWORD", "PASSWD", "TOKEN"]))
def test_words_before_a_secret_word_do_not_hide_it(before: str, word: str) -> None:
    first = before.split("_")[0]
    if first not in ("MAX", "MIN", "NUM", "ENABLE", "DISABLE", "USE", "ALLOW", "REQUIRE", "SHOW", "HAS", "IS"):
        assert names_a_secret(f"{before}_{word}") or "PUBLIC" in before
