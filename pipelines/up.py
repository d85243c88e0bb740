"""What `tieout up` does: serve Dagster's UI and keep its processes alive until told to stop.

Belongs here: starting, watching, restarting and ending the four processes that Tieout needs unattended (code server,
webserver, daemon, gateway). Each is on a leash (`pipelines/leash.py`), so that none outlives this process. Where
Dagster keeps its state is `pipelines/instance.py`; the command line is `pipelines/cli.py`.
"""

from __future__ import annotations

import getpass
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

import psycopg

from pipelines import leash
from pipelines.instance import prepare_instance
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.settings import Settings
from resources.stores import console_sessions, embedded
from resources.stores.embedded import Server, ensure_running, free_port

HOST = "127.0.0.1"
WORKSPACE = Path(__file__).parents[1] / "workspace.yaml"
DEFINITIONS = "pipelines.definitions"
POLL_SECONDS = 0.25
DATABASE_CHECK_SECONDS = 2.0
RESTART_DELAY_SECONDS_MIN = 1.0
RESTART_DELAY_SECONDS_MAX = 30.0
# A process that ran this long was well: its next restart is quick again.
HEALTHY_SECONDS = 60.0
STOP_SECONDS_MAX = 9.0
LOG_BYTES_MAX = 10_000_000
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# The line of a traceback that says what happened: "resources.errors.TieoutError: qbo_us: ...".
ERROR_LINE = re.compile(r"[\w.]*(Error|Exception)\b.*: ")

Say = Callable[[str], None]


@dataclass
class Child:
    """One supervised process: what to run, and how its restarts went. `log` takes all it prints."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    delay_seconds: float = RESTART_DELAY_SECONDS_MIN
    log_start: int = 0

    def start(self, environment: Mapping[str, str]) -> None:
        with _open_log(self.log) as log:
            self.log_start = log.seek(0, os.SEEK_END)
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", leash.__file__, *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=dict(environment),
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def plan_restart(self) -> float:
        """Set when to start it again; returns the delay in seconds, doubled each time it does not last."""
        if time.monotonic() - self.started_at > HEALTHY_SECONDS:
            self.delay_seconds = RESTART_DELAY_SECONDS_MIN
        delay = self.delay_seconds
        self.delay_seconds = min(delay * 2, RESTART_DELAY_SECONDS_MAX)
        self.restart_at = time.monotonic() + delay
        self.process = None
        return delay

    def why_it_ended(self) -> str:
        """Its last error, else how it ended, on one line."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            lines = [COLOURS.sub("", line).strip() for line in log.read().decode(errors="replace").splitlines()]
        errors = [line for line in lines if ERROR_LINE.match(line)]
        # Dagster wraps what went wrong in errors of its own, which come last and say less.
        errors = [line for line in errors if not line.startswith("dagster.")] or errors
        code = self.process.returncode if self.process else 0
        how = f"signal {code - leash.SIGNAL_EXIT}" if code > leash.SIGNAL_EXIT else f"exit code {code}"
        return f"{errors[-1][:400]} ({how})" if errors else how


@dataclass
class _Stop:
    """Whether SIGINT or SIGTERM came."""

    is_asked: bool = field(default=False)

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_asked = True


def up(
    settings: Settings,
    *,
    port: int = 3000,
    gateway_port: int | None = None,
    definitions: str = DEFINITIONS,
    say: Say = print,
) -> int:
    """Serve until SIGINT or SIGTERM, then stop everything within ten seconds and return 0.

    `gateway_port` is the one after `port` unless it is said. `definitions` is the module with Dagster's Definitions.
    `say` gets one line per thing a person wants to know. Raises TieoutError if a port is taken or the database cannot
    be had.
    """
    gateway_port = port + 1 if gateway_port is None else gateway_port
    _check_port(port, "Dagster's UI", "--port")
    _check_port(gateway_port, "the gateway", "--gateway-port")
    with _signals() as stop, _database(settings) as server:
        environment = {
            **os.environ,
            **prepare_instance(settings, server),
            "TIEOUT_CODE_SERVER_PORT": str(free_port()),
            "TIEOUT_UI_URL": f"http://{HOST}:{port}",
            "PYTHONUNBUFFERED": "1",
        }
        children = _children(settings, port, gateway_port, environment["TIEOUT_CODE_SERVER_PORT"], definitions)
        try:
            for child in children:
                child.start(environment)
            _supervise(settings, children, environment, (port, gateway_port), stop, say, server)
        finally:
            say("tieout: stopping")
            _stop_children(children)
    return 0


def _children(settings: Settings, port: int, gateway_port: int, code_port: str, definitions: str) -> list[Child]:
    logs = settings.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    # Without --heartbeat it does not end itself when the webserver pauses; the leash ends it with us.
    code_server = f"dagster api grpc --location-name tieout --host {HOST} --port {code_port}".split()
    code_server += ["--module-name", definitions, "--use-python-environment-entry-point"]
    code_server += ["--inject-env-vars-from-instance"]
    commands = {
        "code server": code_server,
        "webserver": ["dagster_webserver", "--host", HOST, "--port", str(port), "--workspace", str(WORKSPACE)],
        "daemon": ["dagster._daemon", "run", "--workspace", str(WORKSPACE)],
        "gateway": ["gateway", "--host", HOST, "--port", str(gateway_port)],
    }
    return [
        Child(name, [sys.executable, "-m", *command], logs / f"{name.replace(' ', '_')}.log")
        for name, command in commands.items()
    ]


def _supervise(
    settings: Settings,
    children: Sequence[Child],
    environment: Mapping[str, str],
    ports: tuple[int, int],
    stop: _Stop,
    say: Say,
    server: Server | None,
) -> None:
    is_ready = False
    database_check_at = time.monotonic() + DATABASE_CHECK_SECONDS
    while not stop.is_asked:
        for child in children:
            _tend(child, environment, say)
        if not is_ready and _answers(ports[0], "/server_info") and _answers(ports[1], "/openapi.json"):
            is_ready = True
            dagster, gateway = (f"http://{HOST}:{port}" for port in ports)
            say(f"tieout: Dagster is at {dagster}, the gateway at {gateway} (Ctrl-C stops everything)")
            say(f"tieout: the console is at {_console_url(settings, gateway)}")
        if server is not None and time.monotonic() > database_check_at:
            _tend_database(settings, say)
            database_check_at = time.monotonic() + DATABASE_CHECK_SECONDS
        time.sleep(POLL_SECONDS)


def _console_url(settings: Settings, gateway: str) -> str:
    """The console's address, with a link that logs in once where the database can keep one."""
    try:
        with Services(settings) as house, house.db.transaction(settings.tenant) as tx:
            link = console_sessions.make_link(tx, tenant=settings.tenant, name=getpass.getuser(), role="admin")
    except (TieoutError, psycopg.Error, OSError):
        # Nothing of ours is in the database yet, or it is away: whoever has a key can log in later.
        return f"{gateway}/console"
    minutes = console_sessions.LINK_SECONDS // 60
    return f"{gateway}/console/enter?link={link} (logs you in, once, within {minutes} minutes)"


def _tend(child: Child, environment: Mapping[str, str], say: Say) -> None:
    """Notice that a child ended, and start it again when its delay is over."""
    if child.has_ended():
        why = child.why_it_ended()
        delay = child.plan_restart()
        say(f"tieout: the {child.name} ended: {why}: starting it again in {delay:.0f} s, see {child.log}")
    elif child.process is None and time.monotonic() >= child.restart_at:
        child.start(environment)


def _tend_database(settings: Settings, say: Say) -> None:
    """Bring the embedded server back if it was killed; our hold on it keeps the new one running as well."""
    if embedded.status(settings.home).state != "stopped":
        return
    try:
        with ensure_running(settings.home):
            say("tieout: the embedded PostgreSQL had stopped and runs again")
    except TieoutError as error:
        say(str(error))


def _stop_children(children: Sequence[Child]) -> None:
    """Stop all at once. Each leash ends its whole process group; one that does not is killed, and its pipe with it."""
    running = [child.process for child in children if child.process is not None and child.process.poll() is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS_MAX
    for process in running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        process.kill()
        process.wait()


@contextmanager
def _signals() -> Iterator[_Stop]:
    stop = _Stop()
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _database(settings: Settings) -> Iterator[Server | None]:
    if settings.database_url is not None:
        yield None
        return
    with ensure_running(settings.home) as server:
        yield server


def _check_port(port: int, what: str, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise TieoutError(
                ErrorKind.VALIDATION,
                doing=f"starting {what}",
                found=f"port {port}: {error.strerror}",
                expected="a free port",
                next_step=f"end what uses it, or name another with {option}",
            ) from error


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")
