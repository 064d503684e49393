"""An authority of one's own for a set of servers, and a certificate of it for both of them: `servers up --tls`.

Made with the library `cryptography`, which is in .venv, so this module is run there. For one machine: the authority's
key is forgotten, and the next certificate comes from a new authority.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from .places import VENV, Problem, State, write_private
from .processes import User

#: below the state's folder; what ends in .key is for its owner alone
AUTHORITY, CERTIFICATE, KEY = "authority.pem", "server.pem", "server.key"
DAYS = 365
#: a certificate that ends sooner than this is made anew at the next start
LEAST_DAYS = 30
SECONDS = 60


def folder_of(state: State) -> Path:
    return state.folder / "tls"


def authority_of(state: State) -> Path:
    """The file with the authority's certificate, for whoever connects."""
    return folder_of(state) / AUTHORITY


def hand_over(state: State, folder: Path, owner: User) -> None:
    """Copy certificate and key into a server's own folder, for its user alone."""
    for name in (CERTIFICATE, KEY):
        write_private(folder / name, (folder_of(state) / name).read_text())
        if owner.switch:
            os.chown(folder / name, owner.uid, owner.gid)


def ensure(state: State) -> None:
    """Make authority and certificate if there are none, or they end soon. Problem if that cannot be."""
    python = VENV / "bin" / "python"
    if not python.exists():
        raise Problem("--tls needs .venv: run make setup")
    folder = folder_of(state)
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [python, "-m", "kundval_local.certificates", folder],
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise Problem(f"the certificates could not be made:\n{done.stderr[-2000:]}")


def make(folder: Path, days: int = DAYS, least: int = LEAST_DAYS) -> bool:
    """Write the three files below `folder` unless they are there and good for `least` days; whether they were written.

    The certificate is for this machine alone: localhost, 127.0.0.1 and ::1.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = datetime.now(UTC)
    try:
        held = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        if held.not_valid_after_utc - now > timedelta(days=least) and (folder / AUTHORITY).exists():
            return False
    except (OSError, ValueError):
        pass

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def begun(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("kundval local authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
        )

    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = (
        begun("kundval local authority", authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), *(x509.IPAddress(ip_address(one)) for one in ("127.0.0.1", "::1"))]
    server = (
        begun("localhost", server_key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    plain = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_private(folder / KEY, server_key.private_bytes(*plain).decode())
    write_private(folder / CERTIFICATE, server.public_bytes(serialization.Encoding.PEM).decode())
    write_private(folder / AUTHORITY, authority.public_bytes(serialization.Encoding.PEM).decode())
    return True


if __name__ == "__main__":
    make(Path(sys.argv[1]))
