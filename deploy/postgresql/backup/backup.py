"""Base backups, the archive of the log, dumps of each database; restoring; and proving that they can be restored.

Standard library and PostgreSQL's own programs, `age` (encryption) and `zstd`. Everything in the folder of backups is
encrypted for the recipients of a file; who reads it again needs an identity that lies elsewhere.

    FOLDER/base/20260302T021500Z.tar.zst.age      a base backup, checked with pg_verifybackup before it was packed
    FOLDER/wal/00000001000000000000002A.zst.age   a segment of the log
    FOLDER/dump/kundval_billing/20260302T0230Z.dump.age

A file is written under another name and renamed when it is whole, so that what has its name is whole.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

SUFFIX = ".zst.age"
STAMP = "%Y%m%dT%H%M%SZ"
_SEGMENT = re.compile(r"[0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history")
#: seconds that a scratch server gets to come up, with a day's log to go through
START_SECONDS = 3600


class Problem(Exception):
    """What a person has to see to; its text says what."""


@dataclass(frozen=True)
class Settings:
    """Where backups are, for whom they are encrypted, and how long they are kept."""

    folder: Path
    recipients: Path | None
    identity: Path | None
    keep: int
    programs: Path | None

    @classmethod
    def of_environment(cls) -> Settings:
        """From KUNDVAL_BACKUP_FOLDER, …_RECIPIENTS, …_IDENTITY, …_KEEP_DAYS, …_PROGRAMS."""

        def path(name: str) -> Path | None:
            value = os.environ.get(f"KUNDVAL_BACKUP_{name}")
            return Path(value) if value else None

        folder = path("FOLDER")
        if folder is None:
            raise Problem("KUNDVAL_BACKUP_FOLDER is not set")
        keep = os.environ.get("KUNDVAL_BACKUP_KEEP_DAYS", "35")
        if not keep.isdecimal() or int(keep) < 1:
            raise Problem("KUNDVAL_BACKUP_KEEP_DAYS must be a number of days")
        return cls(folder, path("RECIPIENTS"), path("IDENTITY"), int(keep), path("PROGRAMS"))

    def program(self, name: str) -> str:
        """A program of PostgreSQL, of the version of the server."""
        if self.programs is not None:
            return str(self.programs / name)
        found = shutil.which(name) or next(
            (str(one) for one in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
        )
        if found is None:
            raise Problem(f"{name} is not found: set KUNDVAL_BACKUP_PROGRAMS to the folder of PostgreSQL's programs")
        return found

    def sealing(self) -> list[list[str]]:
        if self.recipients is None:
            raise Problem("KUNDVAL_BACKUP_RECIPIENTS is not set: nothing is kept unencrypted")
        return [["zstd", "-q", "-c", "-3"], ["age", "-e", "-R", str(self.recipients)]]

    def opening(self) -> list[list[str]]:
        if self.identity is None:
            raise Problem("KUNDVAL_BACKUP_IDENTITY is not set: it opens the backups")
        return [["age", "-d", "-i", str(self.identity)], ["zstd", "-q", "-d", "-c"]]


# --- files -------------------------------------------------------------------------------------------


def pipe(commands: Sequence[Sequence[str]], source: Path | None = None, target: Path | None = None) -> None:
    """Run commands, each reading what the one before writes. Raises Problem if one of them fails."""
    with contextlib.ExitStack() as stack:
        running: list[subprocess.Popen[bytes]] = []
        reading = stack.enter_context(open(source, "rb")) if source else subprocess.DEVNULL
        writing = stack.enter_context(open(target, "wb")) if target else subprocess.DEVNULL
        before: IO[bytes] | int = reading
        for place, command in enumerate(commands):
            out = writing if place == len(commands) - 1 else subprocess.PIPE
            one = subprocess.Popen(command, stdin=before, stdout=out)
            if running and running[-1].stdout is not None:
                running[-1].stdout.close()
            running.append(one)
            before = one.stdout if one.stdout is not None else subprocess.DEVNULL
        statuses = [one.wait() for one in running]
    failed = [command[0] for command, status in zip(commands, statuses, strict=True) if status]
    if failed:
        raise Problem(f"{Path(failed[0]).name} failed")


def put(settings: Settings, commands: Sequence[Sequence[str]], target: Path, source: Path | None = None) -> None:
    """Write what commands give (without any: `source`), sealed, under its name once it is whole and on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        pipe([*commands, *settings.sealing()], source, part)
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        os.replace(part, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        part.unlink(missing_ok=True)


def run(*command: str, **options: str) -> str:
    """A command's answer. Raises Problem with its last words."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **options})
    if done.returncode:
        raise Problem(f"{Path(command[0]).name} failed: {done.stderr.strip()[-400:]}")
    return done.stdout


def stamps(settings: Settings) -> list[tuple[datetime, Path]]:
    """The base backups, the oldest first, each with the instant at which it was begun."""
    found = []
    for file in sorted((settings.folder / "base").glob(f"*.tar{SUFFIX}")):
        with contextlib.suppress(ValueError):
            found.append((datetime.strptime(file.name.split(".")[0], STAMP).replace(tzinfo=UTC), file))
    return found


# --- making ------------------------------------------------------------------------------------------


def archive(settings: Settings, path: str, name: str) -> None:
    """archive_command: keep a segment. After a crash the server may ask again: the same once more is no fault, another
    under the same name is one (two servers with one archive). The sum beside it tells which.
    """
    if not _SEGMENT.fullmatch(name):
        raise Problem(f"{name} is no name of a segment")
    target, noted = settings.folder / "wal" / f"{name}{SUFFIX}", settings.folder / "wal" / f"{name}.sha256"
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if target.exists():
        if noted.read_text().strip() != digest:
            raise Problem(f"another {name} is in the archive: does another server use it?")
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    noted.write_text(f"{digest}\n")
    put(settings, [], target, Path(path))


def fetch(settings: Settings, name: str, path: str) -> None:
    """restore_command: a segment out of the archive. Raises Problem if it is not there, which ends the restore."""
    source = settings.folder / "wal" / f"{name}{SUFFIX}"
    if not _SEGMENT.fullmatch(name) or not source.exists():
        raise Problem(f"{name} is not in the archive")
    pipe(settings.opening(), source, Path(path))


def base(settings: Settings) -> Path:
    """A base backup of the whole server, verified, packed and sealed. Connects as PGHOST and its like say."""
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(dir=_work(settings)) as work:
        data = Path(work) / "data"
        run(
            settings.program("pg_basebackup"), "--pgdata", str(data), "--checkpoint=fast", "--wal-method=stream",
            "--manifest-checksums=SHA256", "--label=kundval",
        )  # fmt: skip
        run(settings.program("pg_verifybackup"), "--quiet", str(data))
        target = settings.folder / "base" / f"{began:{STAMP}}.tar{SUFFIX}"
        put(settings, [["tar", "-C", str(data), "-cf", "-", "."]], target)
        shutil.copy(data / "backup_manifest", settings.folder / "base" / f"{began:{STAMP}}.manifest")
    return target


def dump(settings: Settings, databases: Sequence[str]) -> list[Path]:
    """A dump of each of these databases, sealed: to look at one alone, and to go to another version of PostgreSQL."""
    made = []
    for name in databases:
        target = settings.folder / "dump" / name / f"{datetime.now(UTC):{STAMP}}.dump{SUFFIX}"
        put(settings, [[settings.program("pg_dump"), "--format=custom", "--compress=0", "--dbname", name]], target)
        made.append(target)
    return made


def prune(settings: Settings) -> list[Path]:
    """Remove what is older than it is kept; the two newest of everything stay whatever their age."""
    limit = datetime.now(UTC) - timedelta(days=settings.keep)
    gone: list[Path] = []
    bases = stamps(settings)
    for began, file in bases[:-2]:
        if began < limit:
            gone += [file, file.with_name(f"{began:{STAMP}}.manifest")]
    kept = [(began, file) for began, file in bases if file not in gone]
    if kept:
        oldest = _first_segment(kept[0][1].with_name(f"{kept[0][0]:{STAMP}}.manifest"))
        for file in sorted((settings.folder / "wal").glob(f"*{SUFFIX}")):
            name = file.name.removesuffix(SUFFIX)
            # history files are few and small, and each timeline needs its own
            if oldest is not None and len(name) >= 24 and name[8:24] < oldest[8:24]:
                gone += [file, file.with_name(f"{name}.sha256")]
    for folder in (settings.folder / "dump").glob("*"):
        for file in sorted(folder.glob(f"*.dump{SUFFIX}"))[:-2]:
            if datetime.strptime(file.name.split(".")[0], STAMP).replace(tzinfo=UTC) < limit:
                gone.append(file)
    for file in gone:
        file.unlink(missing_ok=True)
    return gone


def _first_segment(manifest: Path) -> str | None:
    """The segment at which the restore of a base backup begins."""
    try:
        (ranges,) = json.loads(manifest.read_text())["WAL-Ranges"][:1]
    except (OSError, ValueError, KeyError):
        return None
    high, low = (int(part, 16) for part in ranges["Start-LSN"].split("/"))
    return f"{ranges['Timeline']:08X}{high:08X}{low >> 24:08X}"


def _work(settings: Settings) -> Path:
    """Where things are unpacked: what lies there is not encrypted, and is gone at the end."""
    work = Path(os.environ.get("KUNDVAL_BACKUP_WORK", str(settings.folder / "work")))
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    return work


# --- ways back ---------------------------------------------------------------------------------------


def restore(settings: Settings, into: Path, to: datetime | None) -> Path:
    """Unpack into an empty folder what a server needs to come up as it was at `to`, or as late as the archive reaches.

    Returns the base backup that was taken. The server goes through the log when it is started and then is a server of
    its own. Raises Problem if there is no base backup from before `to`.
    """
    bases = [(began, file) for began, file in stamps(settings) if to is None or began < to]
    if not bases:
        raise Problem("there is no base backup from before that instant")
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(into.iterdir()):
        raise Problem(f"{into} is not empty")
    _, file = bases[-1]
    pipe([*settings.opening(), ["tar", "-C", str(into), "-xf", "-"]], file)
    os.chmod(into, 0o700)
    lines = [f"restore_command = '{_command(settings)}'", "recovery_target_timeline = 'latest'"]
    if to is not None:
        lines += [f"recovery_target_time = '{to.astimezone(UTC).isoformat()}'", "recovery_target_action = 'promote'"]
    with open(into / "postgresql.auto.conf", "a", encoding="utf-8") as conf:
        conf.write("\n# kundval-backup restore\n" + "\n".join(lines) + "\n")
    (into / "recovery.signal").touch()
    return file


def _command(settings: Settings) -> str:
    given = {
        "KUNDVAL_BACKUP_FOLDER": settings.folder.resolve(),
        "KUNDVAL_BACKUP_IDENTITY": (settings.identity or Path()).resolve(),
    }
    script = Path(__file__).resolve().with_name("kundval-backup")
    words = ["/usr/bin/env", *(f"{key}={value}" for key, value in given.items()), sys.executable, str(script)]
    return " ".join([*words, "fetch", "%f", '"%p"']).replace("'", "''")


@contextlib.contextmanager
def scratch(settings: Settings, to: datetime | None) -> Iterator[dict[str, str]]:
    """A server with the restored data that listens on a socket of its own alone; the environment that leads to it."""
    with tempfile.TemporaryDirectory(dir=_work(settings)) as work:
        data = Path(work) / "data"
        restore(settings, data, to)
        # as the source server's own: paths and addresses are not those of this machine
        (data / "pg_hba.conf").write_text("local all all trust\n")
        # Debian keeps the server's settings apart from its data; then there are none here
        for name in ("postgresql.conf", "pg_ident.conf"):
            (data / name).touch()
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={work} -c hba_file={data}/pg_hba.conf"
            f" -c archive_mode=off -c ssl=off -c shared_buffers=64MB -c autovacuum=off"
            # nobody asks before the end of the log; else it would have to allow as many connections as the source did
            " -c hot_standby=off"
        )
        control = settings.program("pg_ctl")
        log = Path(work) / "log"
        try:
            run(control, "-D", str(data), "-l", str(log), "-w", "-t", str(START_SECONDS), "-o", options, "start")
        except Problem:
            raise Problem(f"the restored server does not start: {log.read_text()[-600:]}") from None
        try:
            there = {"PGHOST": work, "PGPORT": _port(data), "PGUSER": os.environ.get("PGUSER", "postgres")}
            deadline = time.monotonic() + START_SECONDS
            while not _answers(settings, there):
                # Problem if it has ended
                run(control, "-D", str(data), "status")
                if time.monotonic() > deadline:
                    raise Problem("the restored server does not come to the end of the log")
                time.sleep(0.2)
            yield there
        finally:
            with contextlib.suppress(Problem):
                run(control, "-D", str(data), "-m", "immediate", "stop")


def _answers(settings: Settings, there: dict[str, str]) -> bool:
    """Whether the server is through with the log: before, it lets nobody in."""
    try:
        return _ask(settings, there, "postgres", "SELECT pg_is_in_recovery()") == "f"
    except Problem:
        return False


def _port(data: Path) -> str:
    return (data / "postmaster.pid").read_text().splitlines()[3]


def _ask(settings: Settings, there: dict[str, str], database: str, question: str) -> str:
    psql = settings.program("psql")
    return run(psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", question, **there).strip()


def verify(settings: Settings, to: datetime | None = None) -> dict[str, int]:
    """Restore the newest backup into a scratch server and look: how many events each database of the suite holds.

    Raises Problem if it does not come up, or holds no database of the suite, or one of its indexes is not whole.
    """
    with scratch(settings, to) as there:
        names = _ask(settings, there, "postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate").split()
        found = {}
        for name in names:
            if _ask(settings, there, name, "SELECT to_regclass('schema_migration') IS NOT NULL") == "t":
                run(settings.program("pg_amcheck"), "--install-missing", "-d", name, **there)
                found[name] = int(_ask(settings, there, name, "SELECT count(*) FROM event"))
    if not found:
        raise Problem("the backup holds no database of the suite")
    return found


def extract(settings: Settings, database: str, to: datetime | None, target: Path) -> Path:
    """One database as it was at an instant, as a dump: for restoring one service while the others go on."""
    with scratch(settings, to) as there, open(target, "wb") as out:
        os.chmod(target, 0o600)
        command = [settings.program("pg_dump"), "--format=custom", "--dbname", database]
        if subprocess.run(command, stdout=out, env={**os.environ, **there}, check=False).returncode:
            raise Problem("pg_dump failed")
    return target


def put_back(settings: Settings, database: str, source: Path, to: datetime) -> str:
    """Put a dump in the place of what a database of the running server holds; the name of the copy of what it held.

    The database stays, with its roles and their settings. Its service must be stopped. It then says that it was
    restored, so that its service does not start before `kundval recover`. All or nothing. Connects as an administrator.
    """
    here: dict[str, str] = {}
    named = _text(database)
    if _ask(settings, here, "postgres", f"SELECT count(*) FROM pg_database WHERE datname = {named}") == "0":
        raise Problem(f"there is no database {database}")
    users = _ask(settings, here, "postgres", f"SELECT count(*) FROM pg_stat_activity WHERE datname = {named}")
    if users != "0":
        raise Problem(f"{users} connections use {database}: stop its service first")
    copy = f"{database}_before_{datetime.now(UTC):%Y%m%d%H%M%S}"
    _ask(settings, here, "postgres", f"CREATE DATABASE {_name(copy)} TEMPLATE {_name(database)}")
    _ask(settings, here, "postgres", f"REVOKE ALL ON DATABASE {_name(copy)} FROM PUBLIC")
    # `kundval run` refuses a database that says so
    mark = f"kundval: restored to {to.astimezone(UTC).isoformat()}"
    with tempfile.TemporaryDirectory(dir=_work(settings)) as work:
        begin, script = Path(work) / "begin.sql", Path(work) / "script.sql"
        owner = _ask(
            settings, here, database, "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public'"
        )
        begin.write_text(
            f"DROP SCHEMA public CASCADE;\nCREATE SCHEMA public AUTHORIZATION {owner};\n"
            f"COMMENT ON DATABASE {_name(database)} IS {_text(mark)};\n",
            encoding="utf-8",
        )
        run(settings.program("pg_restore"), "--file", str(script), str(source))
        files = ("-f", str(begin), "-f", str(script))
        run(settings.program("psql"), "-Xq1", "-v", "ON_ERROR_STOP=1", "-d", database, *files)
    return copy


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# --- the command -------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: done; 1: it could not be done, with the reason on standard error."""
    given = _parser().parse_args(arguments)
    try:
        settings = Settings.of_environment()
        said = _do(settings, given)
    except (Problem, OSError) as error:
        print(f"kundval-backup: {error}", file=sys.stderr)
        return 1
    for line in said:
        print(line)
    return 0


def _do(settings: Settings, given: argparse.Namespace) -> list[str]:
    match given.command:
        case "archive":
            archive(settings, given.path, given.name)
            return []
        case "fetch":
            fetch(settings, given.name, given.path)
            return []
        case "base":
            made = [base(settings)]
            _touch(given.stamp)
            return [f"{one} made" for one in made]
        case "dump":
            return [f"{one} made" for one in dump(settings, given.databases)]
        case "prune":
            return [f"{one} removed" for one in prune(settings)]
        case "verify":
            found = verify(settings, given.to)
            _touch(given.stamp)
            return [f"{name}: {count} events" for name, count in sorted(found.items())]
        case "restore":
            return [f"{restore(settings, given.into, given.to)} unpacked into {given.into}: start the server there"]
        case "extract":
            return [f"{extract(settings, given.database, given.to, given.file)} made"]
        case _:
            old = put_back(settings, given.database, given.file, given.to)
            return [f"{given.database} is as it was at {given.to}; what it held before is in {old}"]


def _touch(stamps: Sequence[Path]) -> None:
    for one in stamps:
        one.parent.mkdir(parents=True, exist_ok=True)
        one.touch()
        os.utime(one)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be an instant such as 2026-03-02T14:30:00+01:00") from None
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("needs an offset, such as +01:00 or Z")
    return found


def _parser() -> argparse.ArgumentParser:
    about = "Backups of the PostgreSQL server, and ways back."
    parser = argparse.ArgumentParser(prog="kundval-backup", description=about)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    one = command("archive", "Keep a segment of the log (archive_command).")
    one.add_argument("path")
    one.add_argument("name")
    one = command("fetch", "Get a segment of the log back (restore_command).")
    one.add_argument("name")
    one.add_argument("path")
    one = command("base", "Make a base backup of the server and check it.")
    one.add_argument("--stamp", type=Path, action="append", default=[], help="touch this file when it is made")
    one = command("dump", "Dump databases, one file each.")
    one.add_argument("databases", nargs="+")
    command("prune", "Remove what is older than it is kept.")
    one = command("verify", "Restore the newest backup into a scratch server and look into it.")
    one.add_argument("--to", type=_instant, help="as of this instant; else as late as the archive reaches")
    one.add_argument("--stamp", type=Path, action="append", default=[], help="touch this file when it is well")
    one = command("restore", "Unpack what a server needs to come up as it was at an instant.")
    one.add_argument("into", type=Path, help="an empty folder")
    one.add_argument("--to", type=_instant, help="as of this instant; else as late as the archive reaches")
    one = command("extract", "Write one database as it was at an instant into a dump.")
    one.add_argument("database")
    one.add_argument("file", type=Path)
    one.add_argument("--to", type=_instant, help="as of this instant; else as late as the archive reaches")
    one = command("put-back", "Put a dump in the place of what a database holds, which is marked as restored.")
    one.add_argument("database")
    one.add_argument("file", type=Path)
    one.add_argument("--to", type=_instant, required=True, help="the instant of which the dump is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
