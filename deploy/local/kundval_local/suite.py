"""deploy/local/suite: the four services and the gateway as processes, on the private servers of the same name."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import places, processes, servers
from .places import GATEWAY, PROCESSES, ROOT, SERVICES, VAR, VENV, Problem, State, say

KUNDVAL = VENV / "bin" / "kundval"
MIGRATE_SECONDS, READY_SECONDS, STOP_SECONDS = 180, 90, 30

DESCRIPTION = """\
The four services and the HTTP gateway, each a process of this machine, on private servers (see
deploy/local/servers). Logs are in var/NAME/log. For another terminal: set -a; . var/local/env; then .venv/bin/kundval.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy/local/suite", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, help: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help, description=help)
        added.add_argument("--name", default="local", help="which set of servers (default: local)")
        return added

    verb("up", "start servers, migrate, start the services that do not run").add_argument(
        "--fresh", action="store_true", help="with empty databases, unless the servers run already"
    )
    verb("down", "stop the services and the servers").add_argument(
        "--keep-servers", action="store_true", help="stop the services only"
    )
    verb("status", "which services run, and whether they are ready")
    start = verb("start", "start one service, or the gateway")
    stop = verb("stop", "stop one service, or the gateway")
    stop.add_argument("--immediate", action="store_true", help="as a crash would (SIGKILL)")
    for one in (start, stop):
        one.add_argument("service", choices=PROCESSES)
    verb("demo", "up, `kundval demo`, and down again unless it was up before").add_argument(
        "rest", nargs="*", metavar="-- ARGUMENT", help="arguments for `kundval demo`"
    )
    chosen = parser.parse_args(arguments)
    return servers.guarded(lambda: _do(chosen))


def _do(chosen: argparse.Namespace) -> int:
    name = places.valid_name(chosen.name)
    if chosen.verb == "up":
        up(name, chosen.fresh)
    elif chosen.verb == "down":
        down(name, chosen.keep_servers)
    elif chosen.verb == "status":
        return _status(name)
    elif chosen.verb == "start":
        start(name, [chosen.service])
    elif chosen.verb == "stop":
        stop(name, [chosen.service], chosen.immediate)
    else:
        return demo(name, chosen.rest)
    return 0


def up(name: str, fresh: bool = False, wanted: tuple[str, ...] = PROCESSES) -> None:
    """Servers, migrations, services; what runs already is left alone. Ends what it started if it fails."""
    if not KUNDVAL.exists():
        raise Problem("there is no .venv/bin/kundval: run make setup")
    servers_were_down = servers.up(name, fresh)
    try:
        _migrate_and_start(name, wanted)
    except BaseException:
        if servers_were_down:
            servers.down(name)
        raise


def _migrate_and_start(name: str, wanted: tuple[str, ...]) -> None:
    waiting = [process for process in wanted if not pids(name, process)]
    if not waiting:
        say("the services are up already")
        return
    say("migrating the databases")
    try:
        done = subprocess.run(
            [KUNDVAL, "migrate", *SERVICES],
            env=environment(name),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MIGRATE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"kundval migrate did not end within {MIGRATE_SECONDS} s") from None
    if done.returncode != 0:
        raise Problem(f"kundval migrate failed:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    start(name, waiting)


def start(name: str, wanted: list[str]) -> None:
    """Start these services and wait until each is ready; Problem with its log if one does not become so."""
    began = time.monotonic()
    with places.locked(name):
        state = _state(name)
        wanted = [service for service in wanted if not pids(name, service)]
        _settle_ports(state, wanted)
        started = {service: _launch(state, service) for service in wanted}
        try:
            _wait_until_ready(name, started)
        except BaseException:
            stop(name, list(started), immediate=True)
            raise
    if wanted:
        say(f"{', '.join(wanted)} ready after {time.monotonic() - began:.1f} s; logs in var/{name}/log")


def _wait_until_ready(name: str, started: dict[str, subprocess.Popen[bytes]]) -> None:
    env = places.read_env(name)
    waiting = dict(started)
    deadline = time.monotonic() + READY_SECONDS
    while waiting:
        for service, process in list(waiting.items()):
            if process.poll() is not None:
                raise _failed(name, service, f"ended with status {process.returncode}")
            if _health(env, service)[0] == 200:
                del waiting[service]
        if waiting and time.monotonic() > deadline:
            late = next(iter(waiting))
            status, text = _health(env, late)
            said = f"; it answers {status}: {text[:500]}" if status else ""
            raise _failed(name, late, f"was not ready within {READY_SECONDS} s{said}")
        time.sleep(0.1)


def stop(name: str, unwanted: list[str], immediate: bool = False) -> None:
    """Stop these services: they finish what they have in hand, unless `immediate`."""
    found = [pid for service in unwanted for pid in pids(name, service)]
    calm: list[tuple[signal.Signals, float]] = [(signal.SIGTERM, STOP_SECONDS)]
    hard: list[tuple[signal.Signals, float]] = [(signal.SIGKILL, 10.0)]
    if not processes.end(found, hard if immediate else calm):
        late = [service for service in unwanted if pids(name, service)]
        say(f"{', '.join(late)} did not stop within {STOP_SECONDS} s and will be killed")
        if not processes.end(found, hard):
            raise Problem(f"processes {found} do not end")
    if found:
        say(f"stopped: {', '.join(unwanted)}")


def down(name: str, keep_servers: bool = False, quick: bool = False) -> None:
    """Stop the services, then the servers; `quick` does not wait for RabbitMQ to tidy up (five seconds)."""
    stop(name, list(PROCESSES))
    if not keep_servers:
        servers.down(name, immediate=quick)


def demo(name: str, arguments: list[str]) -> int:
    """Run `kundval demo`; the exit status is its own. What this call started it ends, whatever happens."""
    was_up = all(pids(name, service) for service in SERVICES)
    try:
        up(name, wanted=SERVICES)
        return subprocess.run([KUNDVAL, "demo", *arguments], env=environment(name), check=False).returncode
    finally:
        if was_up:
            say("the services stay up, as they were before")
        else:
            # a second ctrl-C must not leave servers behind
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            down(name, quick=True)


def pids(name: str, service: str) -> list[int]:
    """The service's processes (one, or none if it is down)."""
    return processes.marked(_marker(name, service))


def environment(name: str) -> dict[str, str]:
    """The caller's environment with the addresses of the servers `name`."""
    return dict(os.environ) | places.read_env(name)


def environment_of(name: str, service: str) -> dict[str, str]:
    """The same for one process: with no password but its own."""
    own = f"KUNDVAL_{service.upper()}_"
    return {
        key: value
        for key, value in environment(name).items()
        if not key.startswith("KUNDVAL_")
        or (key.startswith(own) and key != f"{own}MIGRATION_URI")
        or not key.endswith(("_URI", "_API", "_PERSON_KEYS"))
    }


def _marker(name: str, service: str) -> str:
    return f"{servers.SERVICE_MARK}={VAR / name}#{service}"


def _state(name: str) -> State:
    state = places.load_state(name)
    if state is None:
        raise Problem(f"there are no servers {name!r}: run deploy/local/suite up --name {name}")
    return state


def _settle_ports(state: State, wanted: list[str]) -> None:
    """Another HTTP port for a service that does not run yet and finds somebody else on its port."""
    busy = [service for service in wanted if not processes.free(state.ports[f"http_{service}"])]
    if busy:
        fresh = processes.choose_ports(len(busy), places.key(), state.ports.values())
        state.ports |= {f"http_{service}": port for service, port in zip(busy, fresh, strict=True)}
        state.save()
        servers.write_env(state)


def _log(name: str, service: str) -> Path:
    return VAR / name / "log" / f"{service}.log"


def _launch(state: State, service: str) -> subprocess.Popen[bytes]:
    log = _log(state.name, service)
    log.parent.mkdir(exist_ok=True)
    if log.exists():
        os.replace(log, log.with_suffix(".log.1"))
    marker, _, value = _marker(state.name, service).partition("=")
    env = environment_of(state.name, service) | {marker: value}
    me = processes.User("", os.getuid(), os.getgid())
    command = [GATEWAY] if service == GATEWAY else ["run", service]
    return processes.spawn([str(KUNDVAL), *command], env, log, ROOT, me, umask=0o022)


def _failed(name: str, service: str, why: str) -> Problem:
    log = _log(name, service)
    return Problem(f"{service} {why}; the end of {log.relative_to(ROOT)}:\n{processes.tail(log)}")


def _health(env: dict[str, str], service: str) -> tuple[int, str]:
    """Status and text of the service's readiness; (0, "") if nothing answers."""
    port = env[f"KUNDVAL_{service.upper()}_HTTP_PORT"]
    path = "healthz" if service == GATEWAY else "health/ready"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/{path}", timeout=3) as answer:
            return answer.status, answer.read(2000).decode(errors="replace")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read(2000).decode(errors="replace")
    except (OSError, ValueError):
        return 0, ""


def _status(name: str) -> int:
    """Exit status 0 if all are ready."""
    if places.load_state(name) is None:
        print(f"no servers {name!r}")
        return 1
    env = places.read_env(name)
    every = True
    for service in PROCESSES:
        found = pids(name, service)
        ready = bool(found) and _health(env, service)[0] == 200
        every = every and ready
        word = "ready" if ready else "up, not ready" if found else "down"
        where = f"http://127.0.0.1:{env[f'KUNDVAL_{service.upper()}_HTTP_PORT']}"
        print(f"{service:14} {word:14} {where}  {'process ' + str(found[0]) if found else ''}".rstrip())
    return 0 if every else 1
