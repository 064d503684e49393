"""When certificates end: those in files, and those that broker and database show.

Nothing here decides whom to trust; that is done where connections are made. Here somebody is told in time.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from cryptography import x509
from psycopg.conninfo import conninfo_to_dict

#: what asks a PostgreSQL server for TLS: length, and the number that stands for it
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
#: parameters of the two addresses that name certificates, by what they are called here
_OF_BROKER = {"cafile": "broker_authority", "certfile": "broker_client"}
_OF_DATABASE = {"sslrootcert": "database_authority", "sslcert": "database_client"}


def in_files(settings: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """(what, Unix time) of the certificates in the files that settings name. What cannot be read is passed over."""
    files: list[tuple[str, str | Path]] = []
    if settings.get("TLS_AUTHORITY"):
        files.append(("authority", settings["TLS_AUTHORITY"]))
    query = parse_qs(urlsplit(settings["AMQP_URI"].split(";")[0]).query)
    files += [(what, query[name][0]) for name, what in _OF_BROKER.items() if name in query]
    given = conninfo_to_dict(settings["DATABASE_URI"]) if settings.get("DATABASE_URI") else {}
    files += [(what, str(given[name])) for name, what in _OF_DATABASE.items() if given.get(name)]
    for what, path in files:
        try:
            yield what, first_end(Path(path).read_bytes())
        except (OSError, ValueError):
            continue


def first_end(pem: bytes) -> float:
    """Unix time at which the first of these certificates ends. Raises ValueError if there are none."""
    return min(one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(pem))


def of_socket(sock: Any) -> float | None:
    """Unix time at which the certificate that the other side showed ends; None for a connection without TLS."""
    if not hasattr(sock, "getpeercert"):
        return None
    shown: bytes | None = sock.getpeercert(True)
    return x509.load_der_x509_certificate(shown).not_valid_after_utc.timestamp() if shown else None


def of_database(conn: psycopg.Connection[Any], seconds: float = 5.0) -> float | None:
    """The same for the database of a connection. libpq does not tell it, so the server is greeted once more.

    Raises OSError.
    """
    if not conn.pgconn.ssl_in_use:
        return None
    host, port = conn.info.hostaddr or conn.info.host, conn.info.port
    with socket.create_connection((host, port), timeout=seconds) as plain:
        plain.sendall(_SSL_REQUEST)
        if plain.recv(1) != b"S":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # only to read when it ends: nothing is said over it
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(plain, server_hostname=conn.info.host) as secure:
            return of_socket(secure)
