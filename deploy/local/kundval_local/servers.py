"""deploy/local/servers: the private PostgreSQL and RabbitMQ that the suite and its tests use."""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import certificates, packages, places, postgres, processes, rabbit
from .places import PROCESSES, ROOT, SERVICES, VAR, Problem, State, say

SERVER_PORTS = ("postgres", "amqp", "rabbit_api", "rabbit_dist", "epmd")
HTTP_PORTS = tuple(f"http_{process}" for process in PROCESSES)
#: by what the processes of the suite are known
SERVICE_MARK = "KUNDVAL_LOCAL_SERVICE"
RULES_FILE = ROOT / "deploy" / "local" / "rules.toml"

DESCRIPTION = """\
A private PostgreSQL cluster and a private RabbitMQ node on loopback ports of their own, with their state
below var/NAME. Nothing else on the machine is touched. `up` writes var/NAME/env: the addresses and
passwords, as KEY=VALUE lines that a shell can source.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy/local/servers", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, help: str, named: bool = True) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help, description=help)
        if named:
            added.add_argument("--name", default="local", help="which set of servers (default: local)")
        return added

    installing = verb("install", "install PostgreSQL and RabbitMQ if they are missing", named=False)
    installing.add_argument(
        "--rehearsal", action="store_true", help="and what disasters are rehearsed with: age, zstd, libfaketime"
    )
    starting = verb("up", "start both, unless they run already")
    starting.add_argument(
        "--fresh", action="store_true", help="with empty databases and no queues, unless they run already"
    )
    starting.add_argument(
        "--tls",
        action=argparse.BooleanOptionalAction,
        help="both with TLS and nothing else, under an authority of their own; it stays so until --no-tls",
    )
    ending = verb("down", "end both and everything that belongs to them")
    ending.add_argument("--wipe", action="store_true", help="and remove their data")
    ending.add_argument("--immediate", action="store_true", help="as a crash would: quicker")
    ending.add_argument("--all", action="store_true", help="every set of servers of this checkout")
    verb("status", "which sets of servers there are, and whether they run", named=False)
    verb("env", "print the addresses and passwords")
    for program in ("rabbit", "postgres"):
        verb(f"start-{program}", f"start {program} alone")
        for action in ("stop", "restart"):
            verb(f"{action}-{program}", f"{action} {program} alone").add_argument(
                "--immediate", action="store_true", help="as a crash would, without a chance to tidy up"
            )
    hidden = verbs.add_parser("install-packages")
    hidden.add_argument("package", nargs="+")
    chosen = parser.parse_args(arguments)
    return guarded(lambda: _do(chosen))


def guarded(work: Callable[[], int]) -> int:
    """Turn a Problem into its message and status, and a signal into an orderly end."""

    def interrupted(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupted)
    try:
        return work()
    except Problem as problem:
        say(str(problem))
        return problem.status
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except BrokenPipeError:
        # whoever reads our output has seen enough; Python must not complain again when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _do(chosen: argparse.Namespace) -> int:
    if chosen.verb == "install":
        packages.ensure_servers()
        if chosen.rehearsal:
            packages.ensure_rehearsal()
    elif chosen.verb == "install-packages":
        packages.install_as_root(chosen.package)
    elif chosen.verb == "status":
        _status()
    elif chosen.verb == "up":
        up(chosen.name, chosen.fresh, chosen.tls)
    elif chosen.verb == "down":
        for name in places.names() if chosen.all else [chosen.name]:
            down(name, chosen.wipe, chosen.immediate)
    elif chosen.verb == "env":
        places.write_env_lines(sys.stdout, places.read_env(places.valid_name(chosen.name)))
    else:
        action, _, program = chosen.verb.partition("-")
        _one(chosen.name, program, action, getattr(chosen, "immediate", False))
    return 0


def up(name: str, fresh: bool = False, tls: bool | None = None) -> bool:
    """Start what does not run of the set `name` and write its env; True if there was anything to start. tls: None as
    it was before.

    What this call has started it ends if it fails.
    """
    began = time.monotonic()
    with places.locked(places.valid_name(name)):
        state = places.load_state(name)
        missing = _missing(state)
        if state is not None:
            if tls is not None and tls != state.tls and len(missing) < 2:
                raise Problem(f"servers {name!r} run {'without' if tls else 'with'} TLS: take them down first")
            _add_missing(state)
        if state is not None and not missing and (state.folder / "env").exists():
            # what their users may do can have changed with the checkout
            rabbit.make_users(state)
            say(f"servers {name!r} are up already")
            return False
        programs = packages.find_servers()
        had_tls = state is not None and state.tls
        if state is not None and (not state.belongs_here or (fresh and len(missing) == 2)):
            _wipe(state)
            state = None
        state = _new_state(name) if state is None else state
        state.tls = had_tls if tls is None else tls
        if state.tls:
            certificates.ensure(state)
        _settle_ports(state, missing)
        state.save()
        _raise_file_limit()
        say(f"starting {' and '.join(missing)} (servers {name!r})")
        _start(state, programs, missing)
        write_env(state)
    where = f"PostgreSQL on port {state.ports['postgres']}, RabbitMQ on {state.ports['amqp']}"
    took = time.monotonic() - began
    say(f"servers {name!r} are up after {took:.1f} s: {where}; settings in var/{name}/env")
    return True


def down(name: str, wipe: bool = False, immediate: bool = False) -> None:
    """End the servers of the set `name`; with `wipe` remove their data and `var/<name>`."""
    if not (VAR / places.valid_name(name)).exists():
        say(f"there are no servers {name!r}")
        return
    with places.locked(name):
        state = places.load_state(name)
        if state is None:
            say(f"there are no servers {name!r}")
            if wipe:
                shutil.rmtree(VAR / name)
            return
        was_up = len(_missing(state)) < 2
        with ThreadPoolExecutor(2) as pool:
            work = [pool.submit(rabbit.stop, state, immediate), pool.submit(postgres.stop, state, immediate)]
        for done in work:
            done.result()
        if wipe:
            _wipe(state)
            shutil.rmtree(state.folder)
    say(f"servers {name!r} are down" if was_up else f"servers {name!r} were not up")


def write_env(state: State) -> None:
    """`var/<name>/env`: everything that a service or a test needs to know about this machine."""
    outbox = state.folder / "outbox"
    outbox.mkdir(exist_ok=True)
    values = {
        # of the command line; each service and the gateway have their own
        "KUNDVAL_AMQP_URI": rabbit.amqp_uri(state, rabbit.rights.user_of("operator")),
        "KUNDVAL_RABBIT_ADMIN_URI": rabbit.amqp_uri(state),
        "KUNDVAL_OPERATOR_AMQP_URI": rabbit.amqp_uri(state, rabbit.rights.user_of("operator")),
        "KUNDVAL_MONITOR_AMQP_URI": rabbit.amqp_uri(state, rabbit.rights.user_of("monitor")),
        "KUNDVAL_SENDERS_CHECKED": "true",
        "KUNDVAL_RABBIT_API_URI": rabbit.api_uri(state),
        "KUNDVAL_BROKER_API": rabbit.api_uri(state),
        "KUNDVAL_PG_ADMIN_URI": postgres.admin_uri(state),
        "KUNDVAL_TOKEN_KEY": state.secrets["token"],
        "KUNDVAL_ASSIGNMENT_PERSON_KEYS": state.secrets["persons"],
        "KUNDVAL_PARTNER_KEY": state.secrets["partners"],
        "KUNDVAL_RULES_FILE": str(RULES_FILE),
        "KUNDVAL_OUTBOX_DIR": str(outbox),
        "KUNDVAL_HTTP_HOST": "127.0.0.1",
    }
    if state.tls:
        values["KUNDVAL_TLS_AUTHORITY"] = str(certificates.authority_of(state))
    for service in SERVICES:
        values[f"KUNDVAL_{service.upper()}_DATABASE_URI"] = postgres.service_uri(state, service)
        values[f"KUNDVAL_{service.upper()}_MIGRATION_URI"] = postgres.service_uri(state, service, "_migrator")
    for process in PROCESSES:
        values[f"KUNDVAL_{process.upper()}_AMQP_URI"] = rabbit.amqp_uri(state, rabbit.rights.user_of(process))
        values[f"KUNDVAL_{process.upper()}_HTTP_PORT"] = str(state.ports[f"http_{process}"])
    places.write_env(state.folder / "env", values)


def _add_missing(state: State) -> None:
    """Keys, passwords and ports, to a state of before there were some of them; users and roles to servers that run."""
    fresh_secrets = {name: secret for name, secret in new_secrets().items() if name not in state.secrets}
    ports = [purpose for purpose in HTTP_PORTS if state.ports and purpose not in state.ports]
    if not fresh_secrets and not ports:
        return
    if fresh_secrets and any(processes.marked(f"{SERVICE_MARK}={VAR / state.name}#{one}") for one in PROCESSES):
        raise Problem(
            f"the services {state.name!r} run with users and roles of an older checkout:"
            f" deploy/local/suite down --name {state.name}, then up again; nothing is lost"
        )
    state.secrets |= fresh_secrets
    fresh = processes.choose_ports(len(ports), places.key(), state.ports.values())
    state.ports |= dict(zip(ports, fresh, strict=True))
    state.save()
    if fresh_secrets and rabbit.running(state):
        rabbit.make_users(state)
    if fresh_secrets and postgres.running(state):
        postgres.make_databases(state, packages.find_servers().postgres)
    if (state.folder / "env").exists():
        write_env(state)


def new_secrets() -> dict[str, str]:
    """A password for every user and role, and the keys, each chosen anew."""
    users = [rabbit.secret_of(one.name) for one in rabbit.rights.users()]
    roles = ["pg_admin", *(f"pg_{service}{part}" for service in SERVICES for part in ("", "_migrator"))]
    passwords = {purpose: secrets.token_hex(16) for purpose in (*roles, "rabbit", *users, "cookie")}
    return passwords | {purpose: secrets.token_hex(32) for purpose in ("token", "persons", "partners")}


def _missing(state: State | None) -> list[str]:
    if state is None:
        return ["PostgreSQL", "RabbitMQ"]
    running = {"PostgreSQL": postgres.running(state), "RabbitMQ": rabbit.running(state)}
    return [name for name, runs in running.items() if not runs]


def _new_state(name: str) -> State:
    users = [postgres.user(), rabbit.user()]
    base = places.choose_base(name, [(user.uid, user.gid) for user in users])
    state = State(name=name, base=str(base))
    if base != state.folder:
        say(f"the servers' data goes to {base}, since their user {users[0].name} cannot use {state.folder}")
    state.secrets = new_secrets()
    return state


def _settle_ports(state: State, missing: list[str]) -> None:
    """Keep the ports of former runs; take another where somebody else sits on one now."""
    owners = {"postgres": "PostgreSQL"}
    keep = {
        purpose: port
        for purpose, port in state.ports.items()
        if purpose in HTTP_PORTS or owners.get(purpose, "RabbitMQ") not in missing or processes.free(port)
    }
    wanted = [purpose for purpose in (*SERVER_PORTS, *HTTP_PORTS) if purpose not in keep]
    states = [places.load_state(name) for name in places.names()]
    others = [port for other in states if other for port in other.ports.values()]
    fresh = processes.choose_ports(len(wanted), places.key(), [*keep.values(), *others])
    state.ports = keep | dict(zip(wanted, fresh, strict=True))


def _start(state: State, programs: packages.Programs, missing: list[str]) -> None:
    """Start what is missing, both at once; end both again if one fails or somebody interrupts."""
    starts: dict[str, Callable[[], None]] = {
        "PostgreSQL": lambda: postgres.start(state, programs.postgres),
        "RabbitMQ": lambda: rabbit.start(state, programs.rabbit),
    }
    stops: dict[str, Callable[[State, bool], None]] = {"PostgreSQL": postgres.stop, "RabbitMQ": rabbit.stop}
    pool = ThreadPoolExecutor(2)
    try:
        work = [pool.submit(starts[name]) for name in missing]
        for done in work:
            # in slices, so that an interrupt is noticed while a server starts
            while not done.done():
                time.sleep(0.05)
        for done in work:
            done.result()
    except BaseException:
        # twice: a thread that is still at an earlier step may start its server after the first time
        for _ in range(2):
            for name in missing:
                with contextlib.suppress(Problem):
                    stops[name](state, True)
            pool.shutdown(wait=True)
        raise
    pool.shutdown()


def _wipe(state: State) -> None:
    """Remove data and logs; keep the locks that are held."""
    homes = [state.folder] if not state.belongs_here else [state.home, state.folder]
    for home in homes:
        for path in home.iterdir() if home.exists() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in ("lock", "in-use"):
                path.unlink()
        if home != state.folder and home.exists():
            home.rmdir()
    with contextlib.suppress(OSError):
        places.elsewhere().rmdir()


def _one(name: str, program: str, action: str, immediate: bool) -> None:
    """Start, stop or restart one of the two."""
    with _existing(name) as state:
        module = {"rabbit": rabbit, "postgres": postgres}[program]
        if action in ("stop", "restart"):
            module.stop(state, immediate)
        if action in ("start", "restart") and not module.running(state):
            _raise_file_limit()
            found = packages.find_servers()
            module.start(state, {"rabbit": found.rabbit, "postgres": found.postgres}[program])
    done = {"start": "runs", "stop": "is stopped", "restart": "has been restarted"}[action]
    say(f"{program} of the servers {name!r} {done}")


@contextlib.contextmanager
def _existing(name: str) -> Iterator[State]:
    if not (VAR / places.valid_name(name) / "state.json").exists():
        raise Problem(f"there are no servers {name!r}: run deploy/local/servers up --name {name}")
    with places.locked(name):
        state = places.load_state(name)
        assert state is not None
        yield state


def _status() -> None:
    names = places.names()
    if not names:
        print("no servers: deploy/local/servers up starts some")
    for name in names:
        state = places.load_state(name)
        assert state is not None
        for title, module, port in (("PostgreSQL", postgres, "postgres"), ("RabbitMQ", rabbit, "amqp")):
            runs = "up" if module.running(state) else "down"
            log = _shown(module.log_path(state))
            print(f"{name:12} {title:10} {runs:4} 127.0.0.1:{state.ports[port]} log {log}")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if ROOT in path.parents else str(path)


def _raise_file_limit() -> None:
    """RabbitMQ wants more open files than a login shell allows; take what we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
