"""A private PostgreSQL cluster: own data, own socket folder, one loopback port, passwords everywhere."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from . import certificates, places, processes
from .places import ROOT, SERVICES, TOOLS, Problem, State
from .processes import User

OLDEST = 13
ADMIN = "kundval_admin"
ROLES = ROOT / "deploy" / "postgresql" / "roles.sql"
START_SECONDS, STOP_SECONDS = 90, 30

SETTINGS = """\
# written by deploy/local/servers at every start
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 500
shared_buffers = 128MB
max_wal_size = 1GB
password_encryption = scram-sha-256
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
logging_collector = off
# the console is a file beside the data; keep what people typed out of it
log_statement = none
log_min_error_statement = panic
"""

ACCESS = """\
# written by deploy/local/servers at every start: a password on every way in
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


SECURE = """\
ssl = on
ssl_cert_file = 'server.pem'
ssl_key_file = 'server.key'
ssl_min_protocol_version = 'TLSv1.2'
"""


def find() -> Path | None:
    """The folder with the newest PostgreSQL's programs, or None. KUNDVAL_PG_BIN overrides the search."""
    named = os.environ.get("KUNDVAL_PG_BIN")
    if named:
        return Path(named) if major(Path(named)) >= OLDEST else None
    candidates = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/usr").glob("pgsql-*/bin"),
        *TOOLS.glob("usr/lib/postgresql/*/bin"),
    ]
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    usable = [(major(folder), folder) for folder in candidates if (folder / "initdb").exists()]
    usable = [(number, folder) for number, folder in usable if number >= OLDEST]
    return max(usable, default=(0, None), key=lambda pair: pair[0])[1]


def major(folder: Path) -> int:
    """15 for PostgreSQL 15.3; 0 if there is no server in the folder."""
    try:
        out = subprocess.run(
            [folder / "postgres", "--version"], env=_env(folder), capture_output=True, text=True, timeout=20
        )
        return int(re.split(r"\D", out.stdout.split()[2])[0])  # "18beta1" is 18
    except (OSError, IndexError, ValueError, subprocess.SubprocessError):
        return 0


def user() -> User:
    return processes.server_user("postgres")


def admin_uri(state: State) -> str:
    return _uri(state, ADMIN, state.secrets["pg_admin"], "postgres")


def _uri(state: State, role: str, password: str, database: str) -> str:
    """Whom to trust is said by KUNDVAL_TLS_AUTHORITY, or PGSSLROOTCERT for programs that are not the suite's."""
    secure = "?sslmode=verify-full" if state.tls else ""
    return f"postgresql://{role}:{password}@127.0.0.1:{state.ports['postgres']}/{database}{secure}"


def database_of(service: str) -> str:
    """The name of a service's database, and of the role of the running service."""
    return f"kundval_{service}"


def service_uri(state: State, service: str, part: str = "") -> str:
    """The database as the running service enters it; `part` "_migrator": as the role that migrates it."""
    name = database_of(service)
    return _uri(state, f"{name}{part}", state.secrets[f"pg_{service}{part}"], name)


def running(state: State) -> bool:
    return _postmaster(state) != 0


def _postmaster(state: State) -> int:
    """The server's process id, 0 if it is not running. Never that of somebody else's PostgreSQL."""
    try:
        pid = int((state.home / "pg" / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pid if processes.has_mark(pid, f"{state.marker}#postgres") else 0


def log_path(state: State) -> Path:
    return state.home / "log-postgres" / "postgres.log"


def start(state: State, folder: Path) -> None:
    """Make the cluster if there is none, start the server, make roles and databases. Idempotent."""
    owner = user()
    data = state.home / "pg"
    if (data / "PG_VERSION").exists():
        state.same_version("PostgreSQL", (data / "PG_VERSION").read_text().strip(), str(major(folder)))
    owner.owns(log_path(state).parent, state.home / "pg-home")
    _make_socket_dir(state, owner)
    if not (data / "PG_VERSION").exists():
        _make_cluster(state, folder, owner, data)
    settings, access = SETTINGS.format(port=state.ports["postgres"], socket=state.socket_dir), ACCESS
    if state.tls:
        certificates.hand_over(state, data, owner)
        settings, access = settings + SECURE, access.replace("\nhost ", "\nhostssl ")
    (data / "kundval.conf").write_text(settings)
    (data / "pg_hba.conf").write_text(access)
    _launch(state, folder, owner, data)
    make_databases(state, folder)


def stop(state: State, immediate: bool = False) -> None:
    """Stop the server and wait for its last process; `immediate` ends it as a crash would (no checkpoint)."""
    pid = _postmaster(state)
    if pid:
        calm: list[tuple[signal.Signals, float]] = [(signal.SIGINT, STOP_SECONDS)]
        hard = [(signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)]
        processes.end([pid], hard if immediate else calm + hard)
    _end_orphans(state.home / "pg")
    if state.socket_dir.parent == Path("/tmp"):
        shutil.rmtree(state.socket_dir, ignore_errors=True)


def _make_socket_dir(state: State, owner: User) -> None:
    folder = state.socket_dir
    public = folder.parent == Path("/tmp")
    if public and folder.exists() and folder.lstat().st_uid not in (os.getuid(), owner.uid):
        raise Problem(f"{folder} is there already and belongs to somebody else: remove it")
    owner.owns(folder)


def _make_cluster(state: State, folder: Path, owner: User, data: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)
    owner.owns(data)
    password = state.home / "pg-home" / "password"
    places.write_private(password, state.secrets["pg_admin"] + "\n")
    if owner.switch:
        os.chown(password, owner.uid, owner.gid)
    command = [
        str(folder / "initdb"),
        "--pgdata",
        str(data),
        "--username",
        ADMIN,
        "--pwfile",
        str(password),
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--no-sync",
    ]
    try:
        done = processes.run(command, _env(folder), state.home / "pg-home", owner, START_SECONDS)
    finally:
        password.unlink()
    if done.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise Problem(f"initdb failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    with open(data / "postgresql.conf", "a") as conf:
        conf.write("\ninclude 'kundval.conf'\n")


def _launch(state: State, folder: Path, owner: User, data: Path) -> None:
    log = log_path(state)
    name, _, value = state.marker.partition("=")
    env = _env(folder) | {name: f"{value}#postgres"}
    _end_orphans(data)
    _forget_dead_server(state, data)
    command = [str(folder / "postgres"), "-D", str(data)]
    server = processes.spawn(command, env, log, state.home / "pg-home", owner)

    def ready() -> bool:
        if server.poll() is not None:
            return True
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            # a server that was killed has left its own words in the file
            return lines[0] == str(server.pid) and lines[7].strip() == "ready"
        except (OSError, IndexError):
            return False

    came = processes.wait_until(ready, START_SECONDS)
    if server.poll() is not None or not came:
        why = "ended at once" if server.poll() is not None else f"was not ready within {START_SECONDS} s"
        processes.end([server.pid], [(signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)])
        raise Problem(f"PostgreSQL {why}; the end of {log}:\n{processes.tail(log)}")


def _end_orphans(data: Path) -> None:
    """A server's own processes leave when it does, also when it was killed; none of them may stay behind."""

    def family() -> list[int]:
        here = processes.working_in(data)
        return [pid for pid in here if processes.command_name(pid).startswith("postgres")]

    if processes.wait_until(lambda: not family(), 10):
        return
    if not processes.end(family(), [(signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)]):
        raise Problem(f"PostgreSQL's processes {family()} do not end")


def _forget_dead_server(state: State, data: Path) -> None:
    """Remove the lock files of a server that was killed, now that none of its processes is left.

    PostgreSQL itself would keep them if the process id is in use: by a process that nobody has reaped yet,
    or by another program after the machine was started again.
    """
    for path in (data / "postmaster.pid", *state.socket_dir.glob(".s.PGSQL.*")):
        path.unlink(missing_ok=True)


def make_databases(state: State, folder: Path) -> None:
    """One database and three roles a service, as deploy/postgresql/roles.sql says; a role can enter its own only.

    Idempotent; a database of before there were three roles is handed over to its owner.
    """
    script = ["REVOKE ALL ON DATABASE postgres FROM PUBLIC;", "REVOKE ALL ON DATABASE template1 FROM PUBLIC;"]
    for service in SERVICES:
        secrets = state.secrets[f"pg_{service}"], state.secrets[f"pg_{service}_migrator"]
        script += ["\\connect postgres", *database_script(database_of(service), *secrets)]
    run_sql(script, admin_uri(state), folder, certificates.authority_of(state) if state.tls else None)


def database_script(name: str, password: str, migrator_password: str) -> list[str]:
    """Lines for psql that make the database `name` with its roles."""
    return [
        f"\\set name {name}",
        f"\\set password {password}",
        f"\\set migrator_password {migrator_password}",
        f"\\i {ROLES}",
    ]


def run_sql(lines: list[str], uri: str, folder: Path, authority: Path | None = None) -> None:
    """Have psql run a script on the server at `uri`, with TLS if an `authority` is given; Problem with what it says if
    a statement fails.
    """
    where = urlsplit(uri)
    env = _env(folder) | {
        "PGHOST": str(where.hostname),
        "PGPORT": str(where.port),
        "PGDATABASE": where.path[1:],
        "PGUSER": str(where.username),
        "PGPASSWORD": str(where.password),
        "PGCONNECT_TIMEOUT": "10",
        # what is there already is no news
        "PGOPTIONS": "-c client_min_messages=warning",
    }
    if authority is not None:
        env |= {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(authority)}
    command = [str(folder / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    me = User("", os.getuid(), os.getgid())
    done = processes.run(command, env, ROOT, me, 60, stdin="\n".join(lines) + "\n")
    if done.returncode != 0:
        raise Problem(f"the databases could not be made:\n{done.stderr[-2000:]}")


def _env(folder: Path) -> dict[str, str]:
    """What PostgreSQL's programs see: nothing of the caller's PG* variables."""
    env = {"PATH": f"{folder}:{processes.SYSTEM_PATH}", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    if TOOLS in folder.parents:
        env["LD_LIBRARY_PATH"] = ":".join(str(path) for path in sorted(TOOLS.glob("usr/lib/*-linux-gnu")))
    return env
