"""The embedded PostgreSQL, with real servers and real processes: shared, restarted, killed, refused."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from resources.errors import ErrorKind, TieoutError
from resources.stores import keeper
from resources.stores.account import passing_capability
from resources.stores.embedded import ensure_running, status

PROJECT = Path(__file__).parents[3]
GONE_SECONDS_MAX = 15.0
HOLD = """
import sys
from pathlib import Path
from resources.stores.embedded import ensure_running, status
server = ensure_running(Path(sys.argv[1]))
print(status(Path(sys.argv[1])).pid, server.url("owner"), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_user_of(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the server until its stdin is closed. Its first line is the server's pid and a URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )
    try:
        yield process
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def wait_until_stopped(home: Path) -> None:
    deadline = time.monotonic() + GONE_SECONDS_MAX
    while status(home).state != "stopped":
        assert time.monotonic() < deadline, f"the server of {home} still runs"
        time.sleep(0.02)


def postgres_processes(home: Path) -> list[int]:
    """Every live process whose working directory is the cluster: PostgreSQL moves there and stays."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(home / "postgres" / "data"):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def stopped_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that ran once, with one table in it, and stopped cleanly. Copy it, do not use it."""
    home = tmp_path_factory.mktemp("made") / "home"
    with ensure_running(home) as server, psycopg.connect(server.url("owner"), autocommit=True) as owner:
        owner.execute("create table public.kept as select 42 as answer")
    wait_until_stopped(home)
    return home


@pytest.fixture
def home(stopped_home: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of that home for one test."""
    subprocess.run(["cp", "-a", str(stopped_home), str(tmp_path / "home")], check=True)
    yield tmp_path / "home"
    wait_until_stopped(tmp_path / "home")


def answer(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("select answer from public.kept").fetchone()[0]


def test_a_new_home_gets_a_server_that_answers_over_tcp(tmp_path: Path):
    assert status(tmp_path / "home").state == "absent"

    with ensure_running(tmp_path / "home") as server:
        with psycopg.connect(server.url("app")) as app:
            assert app.info.host == "127.0.0.1"
            row = app.execute("select current_user, current_database(), current_setting('data_checksums')").fetchone()
        now = status(tmp_path / "home")

    assert row == ("tieout_app", "tieout", "on")
    assert (now.state, now.port) == ("running", server.port)
    wait_until_stopped(tmp_path / "home")


def test_a_restart_keeps_data_port_and_passwords(home: Path):
    with ensure_running(home) as first:
        url = first.url("owner")
    wait_until_stopped(home)

    with ensure_running(home) as second:
        assert second.url("owner") == url
        assert answer(url) == 42


def test_a_home_of_an_earlier_version_gets_the_role_it_lacks(home: Path):
    with ensure_running(home) as first:
        url = first.url("owner")
        with psycopg.connect(first.url("superuser")) as superuser:
            superuser.execute("alter role tieout_writer nologin password null")
    wait_until_stopped(home)
    file = home / "postgres" / "connection.json"
    known = json.loads(file.read_text())
    del known["passwords"]["writer"]
    file.write_text(json.dumps(known))

    with ensure_running(home) as second:
        assert second.url("owner") == url
        with psycopg.connect(second.url("writer")) as writer:
            assert writer.execute("select current_user").fetchone() == ("tieout_writer",)
    wait_until_stopped(home)
    with ensure_running(home) as third:
        assert third.url("writer") == second.url("writer")


def test_a_wrong_password_is_refused(home: Path):
    with ensure_running(home) as server:
        url = server.url("analyst").replace(server._passwords["analyst"], "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url)


def test_only_its_user_may_read_the_passwords_and_the_log_has_none(home: Path):
    with ensure_running(home) as server:
        passwords = list(server._passwords.values())

    assert (home / "postgres" / "connection.json").stat().st_mode & 0o777 == 0o600
    assert len(set(passwords)) == 5
    log = (home / "postgres" / "server.log").read_text()
    assert not any(password in log for password in passwords)
    assert not any(password in repr(server) for password in passwords)


def test_a_taken_port_is_given_up_for_another(home: Path):
    path = home / "postgres" / "connection.json"
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        path.write_text(json.dumps(json.loads(path.read_text()) | {"port": taken}))
        with ensure_running(home) as server:
            assert server.port != taken
            assert answer(server.url("owner")) == 42
    assert json.loads(path.read_text())["port"] == server.port


def test_several_processes_share_one_server_that_ends_with_the_last(home: Path):
    with another_user_of(home) as first, another_user_of(home) as second, another_user_of(home) as third:
        lines = {process.stdout.readline() for process in (first, second, third)}
        assert len(lines) == 1
        url = lines.pop().split()[1]
        first.kill()
        second.stdin.close()
        second.wait()
        time.sleep(5 * keeper.POLL_SECONDS)
        assert answer(url) == 42
        third.stdin.close()
        third.wait()
        wait_until_stopped(home)
    assert postgres_processes(home) == []


def test_the_server_is_gone_when_its_only_user_was_killed(home: Path):
    with another_user_of(home) as user:
        user.stdout.readline()
        user.kill()
        wait_until_stopped(home)
    assert postgres_processes(home) == []


def test_data_survives_kill_9_of_everything(home: Path):
    with another_user_of(home) as user:
        postmaster = psutil.Process(int(user.stdout.readline().split()[0]))
        for process in (user, postmaster.parent(), postmaster):
            process.kill()
    assert (home / "postgres" / "data" / "postmaster.pid").exists()

    with ensure_running(home) as server:
        assert answer(server.url("owner")) == 42


def test_a_stale_pid_that_now_belongs_to_another_program_is_no_obstacle(home: Path):
    lines = [str(os.getppid()), str(home / "postgres/data"), "1700000000", "25432", "", "127.0.0.1", "1 1", "ready"]
    (home / "postgres" / "data" / "postmaster.pid").write_text("\n".join(lines))

    with ensure_running(home) as server:
        assert answer(server.url("owner")) == 42


@pytest.mark.parametrize("victim", ["keeper", "server"])
def test_after_its_keeper_or_server_was_killed_the_next_call_starts_it_again(home: Path, victim: str):
    with ensure_running(home):
        postmaster = psutil.Process(status(home).pid)
        (postmaster.parent() if victim == "keeper" else postmaster).kill()
        wait_until_stopped(home)
        with ensure_running(home) as again:
            assert answer(again.url("owner")) == 42


def test_the_server_never_runs_as_root(home: Path):
    with ensure_running(home):
        assert psutil.Process(status(home).pid).uids().effective != 0


def test_an_ordinary_user_runs_it_as_themselves(tmp_path_factory: pytest.TempPathFactory):
    """As root, become an ordinary user first; the server must then be that user's own."""
    home = tmp_path_factory.mktemp("ordinary") / "home"
    home.mkdir()
    user = pwd.getpwuid(os.geteuid() or pwd.getpwnam("nobody").pw_uid)
    command = [sys.executable, "-c", HOLD, str(home)]
    if os.geteuid() == 0:
        os.chown(home, user.pw_uid, user.pw_gid)
        # The capability lets it read the interpreter and the checkout, wherever root has put them.
        options = {"command": command, "user": user.pw_uid, "group": user.pw_gid, "capability": passing_capability()}
        command = [sys.executable, keeper.__file__, "run", json.dumps(options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        pid, url = process.stdout.readline().split()
        assert psutil.Process(int(pid)).uids().effective == user.pw_uid
        with psycopg.connect(url) as owner:
            assert owner.execute("select 1").fetchone() == (1,)
        process.stdin.close()
    wait_until_stopped(home)


def flip_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[:64] = bytes(byte ^ 0xFF for byte in content[:64])
    path.write_bytes(content)


def of_another_cluster(path: Path) -> None:
    path.write_text(json.dumps({"made_by": "tieout", "system_identifier": "7000000000000000000"}))


DAMAGES: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "no PG_VERSION": ("data/PG_VERSION", Path.unlink, "no PG_VERSION"),
    "older major version": ("data/PG_VERSION", lambda path: path.write_text("15\n"), "data of PostgreSQL 15"),
    "made by somebody else": ("data/tieout.json", Path.unlink, "Tieout did not make this cluster"),
    "unreadable marker": ("data/tieout.json", lambda path: path.write_text("{"), "Tieout did not make this cluster"),
    "another cluster put in its place": ("data/tieout.json", of_another_cluster, "is about 7000000000000000000"),
    "no control file": ("data/global/pg_control", Path.unlink, "no global/pg_control"),
    "damaged control file": ("data/global/pg_control", flip_bytes, "a global/pg_control that is damaged"),
    "open to other users": ("data", lambda path: path.chmod(0o755), "rights 755"),
    "lost volume": ("data", lambda path: path.rename(path.with_name("elsewhere")), "no data, though a server was made"),
    "lost passwords": ("connection.json", Path.unlink, "no passwords"),
    "no write-ahead log": ("data/pg_wal", lambda path: path.rename(path.with_name("elsewhere")), "pg_wal"),
}


@pytest.mark.parametrize(("where", "damage", "message"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_or_foreign_directory_is_refused_and_left_alone(
    home: Path, where: str, damage: Callable[[Path], None], message: str
):
    damage(home / "postgres" / where)
    files_before = {path for path in (home / "postgres").rglob("*") if path.is_file()}

    with pytest.raises(TieoutError, match=message) as raised:
        ensure_running(home)

    assert str(home / "postgres") in str(raised.value)
    assert raised.value.next_step
    assert files_before <= set((home / "postgres").rglob("*"))


def test_a_file_where_the_directory_should_be_is_refused(tmp_path: Path):
    (tmp_path / "postgres").write_text("mine")

    with pytest.raises(TieoutError, match="point TIEOUT_HOME elsewhere") as raised:
        ensure_running(tmp_path)

    assert raised.value.kind is ErrorKind.VALIDATION
    assert (tmp_path / "postgres").read_text() == "mine"


def test_a_start_that_was_killed_before_the_first_use_is_begun_again(home: Path):
    path = home / "postgres" / "connection.json"
    path.write_text(
        json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "is_furnished"})
    )
    (home / "postgres" / "data").rename(home / "postgres" / "lost")

    with ensure_running(home) as server, psycopg.connect(server.url("owner")) as owner:
        assert owner.execute("select to_regclass('public.kept')").fetchone() == (None,)
