"""PostgreSQL from a wheel: one server per `TIEOUT_HOME`, started by its first user and ended with its last.

Belongs here: starting, sharing and stopping the server below `$TIEOUT_HOME/postgres`, its port and its roles. What is
on disk is `cluster.py` beside this, who runs it for root `account.py`, what outlives the caller `keeper.py`. Any other
PostgreSQL is a URL (`resources/settings.py`); schemas and grants are migrations; pools are `database.py`.

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
import random
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

import psutil
import psycopg
from psycopg import pq, sql

from resources.errors import ErrorKind, TieoutError
from resources.stores import keeper
from resources.stores.account import Account, choose_account, through_keeper
from resources.stores.cluster import (
    ROLE_NAMES,
    Files,
    Role,
    check_data,
    failure,
    find_binaries,
    initialise,
    is_new,
    last_words,
    read_connection,
    refusal,
    see_log,
    write_private,
)

HOST = "127.0.0.1"
DATABASE = "tieout"
START_SECONDS_MAX = 60.0
# Crash recovery replays up to max_wal_size; on a slow disk that takes minutes, not seconds.
RECOVERY_SECONDS_MAX = 300.0
PORT_ATTEMPTS_MAX = 5
# Below the range from which systems hand out ports for outgoing connections, so that a restart finds its port free.
PORTS = range(20_000, 32_000)
LOG_BYTES_MAX = 10_000_000

SERVER_OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "work_mem": "32MB",
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
    # Many iterations make a password that people choose dear to guess. These are 192 random bits, which nobody guesses,
    # and signing in with PostgreSQL's 4096 costs more than most statements.
    "scram_iterations": "1",
}


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
        """A libpq URL with password. `owner` migrates and makes databases, `app` works, `analyst` reads `analytics`,
        `writer` writes rows of `ledger`.
        """
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
    files = Files(Path(home).absolute())
    _make_directory(files)
    hold = _hold(files)
    try:
        with _exclusive(files.start_lock, doing="waiting for another process that starts the server"):
            connection = _running(files) or _start(files, {**SERVER_OPTIONS, **(options or {})})
            if not connection.get("is_furnished") or not ROLE_NAMES.keys() <= connection["passwords"].keys():
                _furnish(files, connection)
        return Server(files.home, connection["port"], connection["passwords"], hold)
    except BaseException:
        hold.close()
        raise


def status(home: Path) -> Status:
    """What the server below `home` is doing; starts, holds and changes nothing."""
    files = Files(Path(home).absolute())
    if not files.data.exists() and not files.connection.exists():
        return Status("absent", files.root)
    if not _is_kept(files):
        return Status("stopped", files.root)
    lines = _postmaster_lines(files)
    if not _says_ready(lines):
        return Status("starting", files.root)
    return Status("running", files.root, port=int(lines[3]), pid=int(lines[0]))


def free_port() -> int:
    """A port of this machine that nothing uses now, and that is not handed out for outgoing connections."""
    for port in random.sample(PORTS, k=200):
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


# Sharing: who uses the server, who keeps it.


def _make_directory(files: Files) -> None:
    try:
        files.root.mkdir(parents=True, exist_ok=True)
        for path in (files.users_lock, files.keeper_lock, files.start_lock):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise refusal(
            files.root, f"{error.strerror}", "a directory this user may write", "point TIEOUT_HOME elsewhere"
        ) from error


def _hold(files: Files) -> IO[bytes]:
    """Join the users. Waits for a server that is just stopping, because its keeper has the lock until it is down."""
    file = files.users_lock.open("rb+")
    deadline = time.monotonic() + keeper.FAST_STOP_SECONDS_MAX + keeper.IMMEDIATE_STOP_SECONDS_MAX + 5
    while not _lock(file, fcntl.LOCK_SH):
        if time.monotonic() > deadline:
            file.close()
            raise failure(files, "a server that does not stop", "it to be gone by now", "look at its log and end it")
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


def _take(keeper_lock: IO[bytes], files: Files) -> None:
    """Get the lock for the keeper. Only somebody who just asks for the status can be in the way, for a moment."""
    deadline = time.monotonic() + 5
    while not _lock(keeper_lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            raise failure(files, f"{files.keeper_lock} locked by another program", "it to be free", "end that program")
        time.sleep(0.005)


def _is_kept(files: Files) -> bool:
    try:
        with files.keeper_lock.open("rb") as file:
            return not _lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _running(files: Files) -> dict[str, Any] | None:
    """The connection of the server that a keeper has running already, None if there is none or it is going down."""
    deadline = time.monotonic() + RECOVERY_SECONDS_MAX
    while _is_kept(files):
        lines = _postmaster_lines(files)
        if _says_ready(lines) and _answers(int(lines[3])):
            return read_connection(files)
        if time.monotonic() > deadline:
            raise failure(files, "a server that neither starts nor ends", "one of both by now", see_log(files))
        time.sleep(0.02)
    return None


def _answers(port: int) -> bool:
    """Whether a server accepts sessions on `port`; its pid file alone says so even after it was killed."""
    return pq.PGconn.ping(f"host={HOST} port={port} connect_timeout=5".encode()) == pq.Ping.OK


# Starting.


def _start(files: Files, options: Mapping[str, str]) -> dict[str, Any]:
    binaries = find_binaries()
    account = choose_account(files.root, binaries)
    if is_new(files):
        initialise(files, binaries, account, free_port())
    check_data(files, binaries, account)
    connection = read_connection(files)
    _forget_stale_pid(files)
    for _ in range(PORT_ATTEMPTS_MAX):
        if not _is_free(connection["port"]):
            connection["port"] = free_port()
            write_private(files.connection, json.dumps(connection))
        if _launch(files, binaries, account, {**options, "port": str(connection["port"])}):
            return connection
    raise failure(files, f"{PORT_ATTEMPTS_MAX} ports taken in a row", "a free port", "try again")


def _launch(files: Files, binaries: Path, account: Account | None, options: Mapping[str, str]) -> bool:
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
            through_keeper("keep", command, account, users_lock=str(files.users_lock)),
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
            raise failure(files, "a server that was not ready in time", "it to accept connections", see_log(files))
        time.sleep(0.02)
    said = _log_since(files, log_start)
    if "could not bind" in said or "Address already in use" in said:
        return False
    raise failure(
        files,
        f"a server that ended at once, saying: {last_words(said)}",
        "it to start on this directory",
        f"{see_log(files)}; if the data is damaged, move {files.data} aside and restore a backup",
    )


def _forget_stale_pid(files: Files) -> None:
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


def _furnish(files: Files, connection: dict[str, Any]) -> None:
    """Roles and the database, once, and again for a role that an earlier version did not have.

    The owner is no superuser: what works here works on a managed server as well.
    """
    passwords = connection["passwords"]
    for role in ROLE_NAMES.keys() - passwords.keys():
        passwords[role] = secrets.token_urlsafe(24)
    url = f"postgresql://postgres:{passwords['superuser']}@{HOST}:{connection['port']}"
    with psycopg.connect(f"{url}/postgres", autocommit=True) as superuser:
        for role, rights in (("owner", "createdb createrole"), ("app", ""), ("analyst", ""), ("writer", "")):
            name = sql.Identifier(ROLE_NAMES[role])
            if not superuser.execute("select 1 from pg_roles where rolname = %s", [ROLE_NAMES[role]]).fetchone():
                superuser.execute(sql.SQL("create role {} login").format(name))
            password = sql.Literal(passwords[role])
            superuser.execute(sql.SQL(f"alter role {{}} login {rights} password {{}}").format(name, password))
        for role in ("app", "analyst", "writer"):
            superuser.execute(
                sql.SQL("grant {} to {} with admin option, inherit false, set true").format(
                    sql.Identifier(ROLE_NAMES[role]), sql.Identifier(ROLE_NAMES["owner"])
                )
            )
        if not superuser.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            superuser.execute(
                sql.SQL("create database {} owner {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(ROLE_NAMES["owner"])
                )
            )
    connection["is_furnished"] = True
    write_private(files.connection, json.dumps(connection))


def _postmaster_lines(files: Files) -> list[str]:
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


def _open_log(files: Files) -> IO[bytes]:
    return os.fdopen(os.open(files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _log_since(files: Files, start: int) -> str:
    with files.log.open("rb") as log:
        log.seek(start)
        return log.read().decode(errors="replace")
