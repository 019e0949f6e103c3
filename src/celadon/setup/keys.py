"""The pair of keys that signs tokens (JWT, RS256): made once, and never in the place of one that is there."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from celadon.adapters.drafts import Draft
from celadon.check.folders import text_of
from celadon.locale import _

PRIVATE, PUBLIC = "config/keys/jwt_private.pem", "config/keys/jwt_public.pem"
BITS = 3072  # RFC 7518 asks for 2048 at least; NIST SP 800-57 for 3072 beyond 2030


def drafts(folder: Path) -> tuple[Draft, ...]:
    """The pair; of one that is there only the modes, and a public key that is missing is that of the private one.

    A public key alone is left alone: somebody else signs. So is a private key that only its owner can open.
    """
    private, public = folder / PRIVATE, folder / PUBLIC
    if not private.exists() and public.exists():
        return ()
    if not private.exists():
        text = _private(generate_private_key(public_exponent=65537, key_size=BITS))
    else:
        text = text_of(private)
    key = _opened(text)
    found = [Draft(private, text, 0o600, secret=True)]
    if public.exists():
        found.append(Draft(public, text_of(public), 0o644))
    elif key:
        found.append(Draft(public, _public(key), 0o644))
    return tuple(found)


def remark(folder: Path) -> str:
    """What is strange about the pair that is there, "" for nothing."""
    private, public = folder / PRIVATE, folder / PUBLIC
    if not private.exists():
        words = _("{public} is there without its private key: nothing was made, since a new pair would not match it.")
        return words.format(public=PUBLIC) if public.exists() else ""
    key = _opened(text_of(private))
    if key is None:
        return _("{private} cannot be opened here (a password, or no PEM): it was left as it is.").format(
            private=PRIVATE
        )
    if public.exists() and not _same(key, public.read_bytes()):
        words = _("{public} is not the public key of {private}: tokens signed here will be refused.")
        return words.format(public=PUBLIC, private=PRIVATE)
    return ""


def _opened(text: str) -> PrivateKeyTypes | None:
    try:
        return load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _same(key: PrivateKeyTypes, public: bytes) -> bool:
    try:
        other = load_pem_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) == _public(key).encode()


def _private(key: PrivateKeyTypes) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public(key: PrivateKeyTypes) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
