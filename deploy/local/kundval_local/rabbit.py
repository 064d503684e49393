"""A private RabbitMQ node: own name, folders, ports, epmd, cookie, user and virtual host."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from . import certificates, places, processes
from .places import ROOT, TOOLS, Problem, State
from .processes import User

sys.path.append(str(ROOT / "deploy" / "rabbitmq"))
from kundval_rabbitmq import definitions, rights

USER = VHOST = "kundval"
START_SECONDS, STOP_SECONDS = 180, 60

SETTINGS = """\
# written by deploy/local/servers at every start
{listeners}
management.tcp.ip = 127.0.0.1
management.tcp.port = {api}
# made at the first start in place of guest
default_user = {user}
default_pass = {password}
default_vhost = {vhost}
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
log.console = false
log.file = rabbit.log
log.file.level = info
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
"""


PLAIN = "listeners.tcp.1 = 127.0.0.1:{amqp}"
SECURE = """\
listeners.tcp = none
listeners.ssl.1 = 127.0.0.1:{amqp}
ssl_options.cacertfile = {folder}/server.pem
ssl_options.certfile = {folder}/server.pem
ssl_options.keyfile = {folder}/server.key
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false"""


def find() -> Path | None:
    """The folder with RabbitMQ's own scripts, or None. KUNDVAL_RABBITMQ_SBIN overrides the search.

    Not /usr/sbin: the scripts there insist on being root or the user rabbitmq.
    """
    named = os.environ.get("KUNDVAL_RABBITMQ_SBIN")
    if named:
        return Path(named) if (Path(named) / "rabbitmq-server").exists() else None
    candidates = [
        *Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"),
        *Path("/opt").glob("rabbitmq_server-*/sbin"),
        *TOOLS.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin"),
    ]
    usable = [folder for folder in candidates if (folder / "rabbitmq-server").exists() and _erlang(folder)]
    return max(usable, default=None, key=lambda folder: (TOOLS not in folder.parents, _numbers(folder)))


def version(folder: Path) -> str:
    """3.10 for RabbitMQ 3.10.8: what the data on disk depends on."""
    return ".".join(folder.parent.name.rpartition("-")[2].split(".")[:2])


def user() -> User:
    return processes.server_user("rabbitmq")


def amqp_uri(state: State, user: str = USER) -> str:
    """The broker as one of its users enters it; without one, as its administrator."""
    scheme = "amqps" if state.tls else "amqp"
    return f"{scheme}://{user}:{state.secrets[secret_of(user)]}@127.0.0.1:{state.ports['amqp']}/{VHOST}"


def secret_of(user: str) -> str:
    """The name under which the password of a user is kept: `rabbit` of the administrator, `rabbit_kundval-billing`."""
    return "rabbit" if user == USER else f"rabbit_{user}"


def api_uri(state: State) -> str:
    return f"http://{USER}:{state.secrets['rabbit']}@127.0.0.1:{state.ports['rabbit_api']}/api"


def node(state: State) -> str:
    return f"kundval-{state.name}-{places.key()}@localhost"


def _parts(state: State) -> tuple[list[int], list[int]]:
    """The node's processes and its epmd."""
    found = [(pid, processes.command_name(pid)) for pid in processes.marked(f"{state.marker}#rabbit")]
    return [pid for pid, name in found if name != "epmd"], [pid for pid, name in found if name == "epmd"]


def running(state: State) -> bool:
    return any(processes.command_name(pid) == "beam.smp" for pid in _parts(state)[0])


def log_path(state: State) -> Path:
    return state.home / "rabbit" / "log" / "rabbit.log"


def start(state: State, folder: Path) -> None:
    """Start the node and wait until it takes connections and its management API answers."""
    owner = user()
    home = state.home / "rabbit"
    if (home / "version").exists():
        state.same_version("RabbitMQ", (home / "version").read_text().strip(), version(folder))
    stop(state, immediate=True)  # nothing of a node that died may stay
    owner.owns(home, home / "log", home / "data", home / "generated", home / "schema", home / "conf.d")
    _write(home / "version", owner, version(folder) + "\n")
    if state.tls:
        certificates.hand_over(state, home, owner)
    _write(
        home / "rabbitmq.conf",
        owner,
        SETTINGS.format(
            listeners=(SECURE if state.tls else PLAIN).format(amqp=state.ports["amqp"], folder=home),
            api=state.ports["rabbit_api"],
            user=USER,
            vhost=VHOST,
            password=state.secrets["rabbit"],
        ),
    )
    _write(home / "enabled_plugins", owner, "[rabbitmq_management].\n")
    _write(home / "rabbitmq-env.conf", owner, "")
    _write(home / ".erlang.cookie", owner, state.secrets["cookie"], mode=0o400)
    env = _env(state, folder)
    console = home / "log" / "console.log"
    # epmd would otherwise be started by Erlang, detached, and outlive the node unseen
    epmd = processes.spawn(
        [_epmd(folder), "-port", str(state.ports["epmd"]), "-address", "127.0.0.1"], env, console, home, owner
    )
    server = processes.spawn([str(folder / "rabbitmq-server")], env, console, home, owner)

    def came() -> bool:
        return server.poll() is not None or (_takes_connections(state) and _api_answers(state))

    ready = processes.wait_until(came, START_SECONDS, pause=0.1)
    if server.poll() is None and ready and epmd.poll() is None:
        make_users(state)
        return
    log = log_path(state)
    texts = [f"the end of {path}:\n{processes.tail(path)}" for path in (console, log) if path.exists()]
    ended = server.poll() is not None or epmd.poll() is not None
    why = "ended" if ended else f"was not ready within {START_SECONDS} s"
    stop(state, immediate=True)
    raise Problem(f"RabbitMQ {why}; " + "\n".join(texts))


def make_users(state: State) -> None:
    """Every user of the suite with its rights (deploy/rabbitmq); in one request, and idempotent."""
    passwords = {one.name: state.secrets[secret_of(one.name)] for one in rights.users()}
    try:
        call_api(state, "definitions", definitions.definitions(VHOST, passwords))
    except (OSError, ValueError) as error:
        raise Problem(f"RabbitMQ does not take its users ({error})") from None


def stop(state: State, immediate: bool = False) -> None:
    """Stop the node, then its epmd; `immediate` ends it as a crash would."""
    parts, epmd = _parts(state)
    beam = [pid for pid in parts if processes.command_name(pid) == "beam.smp"]
    calm: list[tuple[signal.Signals, float]] = [(signal.SIGTERM, STOP_SECONDS)]
    hard: list[tuple[signal.Signals, float]] = [(signal.SIGKILL, 10.0)]
    processes.end(beam, hard if immediate else calm + hard)
    # the wrapper script and Erlang's small helpers leave by themselves; none may stay
    processes.wait_until(lambda: not _parts(state)[0], 3)
    processes.end(_parts(state)[0], hard)
    processes.end([*epmd, *_parts(state)[1]], [(signal.SIGTERM, 3.0), *hard])
    left = [pid for part in _parts(state) for pid in part]
    if left:
        raise Problem(f"RabbitMQ's processes {left} do not end")


def _takes_connections(state: State) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", state.ports["amqp"]), timeout=2) as plain:
            plain.settimeout(5)
            link = _secured(state, plain) if state.tls else plain
            link.sendall(b"AMQP\x00\x00\x09\x01")
            return link.recv(1) == b"\x01"  # a method frame: Connection.Start
    except OSError:
        return False


def _secured(state: State, plain: socket.socket) -> socket.socket:
    context = ssl.create_default_context(cafile=str(certificates.authority_of(state)))
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def _api_answers(state: State) -> bool:
    try:
        return bool(call_api(state, "whoami").get("name"))
    except (OSError, ValueError):
        return False


def call_api(state: State, path: str, body: Any = None) -> dict[str, str]:
    """GET from the management API, or POST `body`; OSError or ValueError if it does not answer as it should."""
    found: dict[str, str] = ask_api(f"127.0.0.1:{state.ports['rabbit_api']}", state, path, body) or {}
    return found


def ask_api(address: str, state: State, path: str, body: Any = None) -> Any:
    """As `call_api`, of the node at `address`; None if it answers with nothing."""
    request = urllib.request.Request(
        f"http://{address}/api/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    pair = f"{USER}:{state.secrets['rabbit']}".encode()
    request.add_header("Authorization", "Basic " + base64.b64encode(pair).decode())
    # the machine's proxy settings have nothing to do with its own servers
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=5 if body is None else 60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def _env(state: State, folder: Path) -> dict[str, str]:
    """What the node sees: nothing of the caller's or the machine's RabbitMQ settings."""
    home = state.home / "rabbit"
    env = {
        "PATH": processes.SYSTEM_PATH,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "RABBITMQ_NODENAME": node(state),
        "RABBITMQ_USE_LONGNAME": "false",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(state.ports["amqp"]),
        "RABBITMQ_DIST_PORT": str(state.ports["rabbit_dist"]),
        "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
        "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(state.ports["epmd"]),
        "ERL_CRASH_DUMP": str(home / "log" / "erl_crash.dump"),
    }
    name, _, value = state.marker.partition("=")
    env[name] = f"{value}#rabbit"
    if TOOLS in folder.parents:
        env["PATH"] = f"{TOOLS / 'usr/bin'}:{env['PATH']}"
        env["LD_LIBRARY_PATH"] = ":".join(str(path) for path in sorted(TOOLS.glob("usr/lib/*-linux-gnu")))
    return env


def _erlang(folder: Path) -> str | None:
    unpacked = f"{TOOLS / 'usr/bin'}:" if TOOLS in folder.parents else ""
    return shutil.which("erl", path=unpacked + processes.SYSTEM_PATH)


def _epmd(folder: Path) -> str:
    erl = Path(_erlang(folder) or "erl")
    beside = erl.parent / "epmd"
    if beside.exists():
        return str(beside)
    inside = sorted(erl.resolve().parent.parent.glob("erts-*/bin/epmd"))
    if not inside:
        raise Problem(f"no epmd beside {erl}")
    return str(inside[-1])


def _numbers(folder: Path) -> list[int]:
    return [int(part) for part in version(folder).split(".") if part.isdigit()]


def _write(path: Path, owner: User, text: str, mode: int = 0o600) -> None:
    places.write_private(path, text)
    if owner.switch:
        os.chown(path, owner.uid, owner.gid)
    path.chmod(mode)
