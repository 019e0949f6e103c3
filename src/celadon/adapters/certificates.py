"""Which names a certificate is for."""

from pathlib import Path

from celadon.config.values import HOST


def names(file: Path) -> tuple[str, ...]:
    """The host names, wildcards and addresses of a certificate, in small letters; () where it cannot be read."""
    from cryptography import x509  # only environments with TLS pay for it

    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = [*extension.get_values_for_type(x509.DNSName), *extension.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        found = [str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    except (OSError, ValueError):
        return ()
    return tuple(name for one in found if HOST.fullmatch((name := str(one).lower()).removeprefix("*.")) or ":" in name)
