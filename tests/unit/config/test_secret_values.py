"""Which values are hidden, whatever their variables are called."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celadon.config.secret_values import is_hidden, secret_parts

NAMES, CLEAR = {"shop", "staging", "web"}, {"hello there"}
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvgIBADANBgkqhkiG9w0B\nAQEFAASCBKgwggSkAgEAAoIB\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTHER", "hunter2x"),
        ("LEGACY", "correct horse battery"),
        ("LICENCE", "AAAA-BBBB-CCCC"),
        ("NOTES_URL", "https://hooks.example.com/services/T01AB23CD4/B01AB23CD45/a1B2c3D4e5F6g7H8i9J0k1L2"),
        ("CALLBACK", "https://example.com/?token=abc"),
        ("MAIL_FROM", "someone@example.com"),
        ("DB_USER", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("BUCKET_NAME", "a1b2c3d4e5f6a7b8"),
        ("JWT_LIKE", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        ("PIN", "4711"),
        ("API_KEY", "1234567890"),
        ("DB_PASSWORD", "orders"),
        ("DB_PASSWORD", "hello there"),
        ("SMTP_PASS", "/x9/y"),
    ],
)
def test_values_are_hidden(name: str, value: str) -> None:
    assert value in set(secret_parts(name, value, NAMES, CLEAR))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTHER", "short"),
        ("GREETING", "hello there"),
        ("API_KEY", "abc"),
        ("NODE_ENV", "production"),
        ("DEBUG", "true"),
        ("FEATURE", "Disabled"),
        ("REQUIRE_SSL", "required"),
        ("PORT", "8080"),
        ("LIMIT", "10000000"),
        ("MEMORY", "512 MiB"),
        ("WITHIN", "1500ms"),
        ("RATIO", "0.123456"),
        ("DAY", "2026-01-11"),
        ("DB_HOST", "db.internal"),
        ("BROKERS", "kafka1.example.com:9092,kafka2.example.com:9092"),
        ("BIND", "127.0.0.1:8000"),
        ("SUBNET", "10.0.0.0/8"),
        ("V6", "[2001:db8::1]:8080"),
        ("PEER", "http://web:8000/api/health"),
        ("SITE", "https://shop.example.com/a?page=2"),
        ("DATA", "/var/lib/shop"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/run/secrets/gcp.json"),
        ("CONFIG", "config/app.yaml"),
        ("TZ", "Asia/Seoul"),
        ("LANG", "ko_KR.UTF-8"),
        ("DB_NAME", "orders"),
        ("LOG_FORMAT", "oneline"),
        ("SERVICES", "web,shop"),
        ("POSTGRES_PASSWORD", "staging"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("NEXT_PUBLIC_KEY", "pk_live_a1b2c3d4e5f6g7h8"),
    ],
)
def test_what_is_worth_reading_is_not_hidden(name: str, value: str) -> None:
    assert list(secret_parts(name, value, NAMES, CLEAR)) == []


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("DATABASE_URL", "postgres://shop:pa%24s%2Fwd@db:5432/shop", {"pa%24s%2Fwd", "pa$s/wd"}),
        ("DATABASE_URL", "postgres://shop:hunter2@db:5432/shop", {"hunter2"}),
        ("SENTRY", "https://0123456789abcdef0123456789abcdef@o1.ingest.example.io/42", {"0123456789abcdef" * 2}),
        ("REPOSITORY", "ssh://git@git.example.com/shop.git", set()),
        ("SQL", "Server=db;User Id=sa;Password=Str0ngPw;", {"Str0ngPw", "Server=db;User Id=sa;Password=Str0ngPw;"}),
        ("PG", "host=web password='s3cr3t'", {"s3cr3t", "host=web password='s3cr3t'"}),
        ("SIGNING_KEY", PEM, {PEM.strip(), "MIIEvgIBADANBgkqhkiG9w0B", "AQEFAASCBKgwggSkAgEAAoIB"}),
        ("ACCOUNT", json.dumps({"kind": "production", "auth": {"key": "k3y-k3y", "pin": "4711", "n": 1}}),
         {"k3y-k3y", "4711", json.dumps({"kind": "production", "auth": {"key": "k3y-k3y", "pin": "4711", "n": 1}})}),
    ],
)  # fmt: skip
def test_the_secret_within_a_value_is_found(name: str, value: str, parts: set[str]) -> None:
    assert set(secret_parts(name, value, NAMES, CLEAR)) == parts


SECRET = st.text(string.ascii_letters + string.digits + "!#%&*+?^_~", min_size=12, max_size=60).filter(
    lambda text: sum(c.isdigit() for c in text) > 2 and sum(c.isalpha() for c in text) > 2 and text.isascii()
)


@settings(deadline=None, max_examples=50)
@given(SECRET, st.sampled_from(["ANY", "OTHER_THING", "X_PASSWORD", "FOO_TOKEN"]))
def test_what_looks_like_a_password_is_hidden_under_any_name(secret: str, name: str) -> None:
    assert secret in set(secret_parts(name, secret)) or secret.strip("0123456789_").lower() in ("", "x", "e")


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=200), st.text(max_size=30))
def test_any_value_has_an_answer_and_no_part_is_too_short(value: str, name: str) -> None:
    for part in secret_parts(name, value, NAMES, CLEAR):
        assert len(part) >= 4
    assert is_hidden(name, value) in (True, False)


def test_deep_documents_are_no_trouble() -> None:
    assert list(secret_parts("X", "[" * 100_000))[:1] == ["[" * 100_000]
