"""The certificate of a server: one of its own that nobody else vouches for, known by its fingerprint, or a person's."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import re
from pathlib import Path

from zoo import atomic
from zoo.errors import OptionInvalid, Unsupported
from zoo.sites.tokens import ONLY_OWNER

DAYS = 3650
_HEX = 64


def make_certificate(certificate: Path, key: Path, host: str) -> None:
    """Write a key and a certificate signed with it.

    Args:
        certificate: where it goes.
        key: where that goes, for its owner alone.
        host: the server's name or address.

    Raises:
        Unsupported: the library is missing.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError as error:
        raise Unsupported("a certificate needs cryptography", "pip install 'zoo-models[sites]'") from error
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "zoo federate")])
    now = datetime.datetime.now(datetime.UTC)
    try:
        shown: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        shown = x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks of sites differ
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([shown]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    atomic.write_bytes(key, pem, ONLY_OWNER)
    atomic.write_bytes(certificate, made.public_bytes(serialization.Encoding.PEM))


def check_certificate(certificate: Path, key: Path) -> None:
    """Insist on a certificate and the key to it.

    Raises:
        OptionInvalid: they cannot be read, or do not belong together.
    """
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
        fingerprint_of(certificate.read_text())
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise OptionInvalid(
            f"--certificate {certificate} and --key {key} cannot be used: {error}",
            "both are PEM files, the key without a password; leave both out for a certificate that zoo makes",
        ) from error


def _no_password() -> str:
    raise ValueError("the key has a password")


def fingerprint_of(pem: str) -> str:
    """What the first certificate of a PEM text is known by, such as `SHA256:1f0a...`."""
    import ssl

    first = pem[pem.index("-----BEGIN CERTIFICATE-----") :]
    end = "-----END CERTIFICATE-----"
    der = ssl.PEM_cert_to_DER_cert(first[: first.index(end) + len(end)])
    return f"SHA256:{hashlib.sha256(der).hexdigest()}"


def read_fingerprint(text: str) -> str:
    """A fingerprint as `fingerprint_of` gives it, however it was typed; empty where there is none.

    Raises:
        OptionInvalid: it is none.
    """
    if not text:
        return ""
    digits = re.sub(r"^sha-?256[:=\s]+|[:\s]", "", text.strip().lower())
    if len(digits) != _HEX or not re.fullmatch(r"[0-9a-f]+", digits):
        raise OptionInvalid(
            f"--fingerprint {text!r} is none", "it is SHA256: and 64 digits of base 16, as zoo federate serve tells it"
        )
    return f"SHA256:{digits}"
