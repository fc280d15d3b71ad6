"""A certificate authority for the tests' servers."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: the authority that signed the server's, another one that did not, the server's pair."""

    ca: Path
    stranger: Path
    certificate: Path
    key: Path


def make(directory: Path, address: str) -> Certificates:
    """Issue a certificate for `address` and nothing else."""
    ca_key, ca = _authority("the tests' authority")
    _, stranger = _authority("another authority")
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    builder = _builder("database", "the tests' authority", key).add_extension(names, critical=False)
    made = Certificates(*(directory / name for name in ("ca.pem", "stranger.pem", "server.pem", "server.key")))
    made.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    made.stranger.write_bytes(stranger.public_bytes(serialization.Encoding.PEM))
    made.certificate.write_bytes(builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    made.key.chmod(0o600)
    return made


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    return key, _builder(name, name, key).add_extension(constraints, critical=True).sign(key, hashes.SHA256())


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
