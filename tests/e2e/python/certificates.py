"""Certificates for a test, made on the spot: `certificates.py FOLDER`.

`authority.pem` is who signs `cert.pem` (for localhost, app.localhost and the loopback addresses) and `elsewhere.pem` (for
another name); `stranger.pem` is for localhost too, but signed by nobody who is known. Each has its key
beside it: `key.pem`, `elsewhere-key.pem`, `stranger-key.pem`, `authority-key.pem`.
"""

import datetime
import ipaddress
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = [x509.DNSName(it) for it in ("localhost", "app.localhost")] + [x509.IPAddress(ipaddress.ip_address(it)) for it in ("127.0.0.1", "::1")]
ELSEWHERE = [x509.DNSName("elsewhere.example")]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, key, issuer, issuer_key, names=None):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False))
    if names is None:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def write(path, content):
    """Replaces the file at once, as whoever renews certificates should."""
    with open(path + ".new", "wb") as file:
        file.write(content)
    os.replace(path + ".new", path)


def key_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def issue(folder, cert, key_file, names=HERE, authority="authority"):
    """A new key and certificate; answers the certificate's serial number."""
    with open(f"{folder}/{authority}-key.pem", "rb") as file:
        authority_key = serialization.load_pem_private_key(file.read(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    made = certificate("Doorward test", key, f"Test {authority}", authority_key, names)
    write(f"{folder}/{key_file}", key_pem(key))
    write(f"{folder}/{cert}", made.public_bytes(serialization.Encoding.PEM))
    return made.serial_number


def client(folder, called, names, authority="authority", ended=False):
    """The certificate of a client in `called.pem`, with its key in `called-key.pem`; answers it."""
    with open(f"{folder}/{authority}-key.pem", "rb") as file:
        authority_key = serialization.load_pem_private_key(file.read(), None)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    made = (
        x509.CertificateBuilder().subject_name(name(called)).issuer_name(name(f"Test {authority}"))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now + datetime.timedelta(days=-1 if ended else 1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(usage, critical=True).add_extension(both, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256()))
    write(f"{folder}/{called}-key.pem", key_pem(key))
    write(f"{folder}/{called}.pem", made.public_bytes(serialization.Encoding.PEM))
    return made


def revoke(folder, revoked, authority="authority"):
    """Lists these certificates as revoked in `revoked.pem`."""
    with open(f"{folder}/{authority}-key.pem", "rb") as file:
        authority_key = serialization.load_pem_private_key(file.read(), None)
    now = datetime.datetime.now(datetime.timezone.utc)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = (
        x509.CertificateRevocationListBuilder().issuer_name(name(f"Test {authority}"))
        .last_update(now - datetime.timedelta(hours=1)).next_update(now + datetime.timedelta(days=1))
        .add_extension(issuer, critical=False).add_extension(x509.CRLNumber(1), critical=False))
    for one in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(now).build())
    write(f"{folder}/revoked.pem", builder.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def authority(folder, called):
    key = ec.generate_private_key(ec.SECP256R1())
    made = certificate(f"Test {called}", key, f"Test {called}", key)
    write(f"{folder}/{called}-key.pem", key_pem(key))
    write(f"{folder}/{called}.pem", made.public_bytes(serialization.Encoding.PEM))


if __name__ == "__main__":
    folder = sys.argv[1]
    authority(folder, "authority")
    authority(folder, "unknown")
    issue(folder, "cert.pem", "key.pem")
    issue(folder, "elsewhere.pem", "elsewhere-key.pem", ELSEWHERE)
    issue(folder, "stranger.pem", "stranger-key.pem", HERE, "unknown")
