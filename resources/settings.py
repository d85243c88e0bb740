"""What the operator decides: the only reader of the environment and of `connections.toml`, once, typed.

Belongs here: names, defaults, ranges and messages of every setting. Credentials given at run time live encrypted in
the database (`resources/stores/vault.py`); limits of one ERP are named in its `profile.py`. Importing reads nothing.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from resources.errors import ErrorKind, TieoutError
from resources.expected import Limits

Network = IPv4Network | IPv6Network

ENCRYPTION_KEY_BYTES = 32
CONNECTION_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
TENANT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
TENANT_RULE = "1 to 63 characters a-z, 0-9, _ and -, beginning with a letter or digit"
SECRET_WORDS = ("secret", "token", "password", "private_key", "api_key")
# Keys of one [connections.NAME] table that are ours; all others are the ERP's own words and are passed on untouched.
CONNECTION_KEYS = ("erp", "tenant", "base_url")


@dataclass(frozen=True, slots=True)
class DeclaredConnection:
    """One `[connections.NAME]` table: what to connect. `values` are in the ERP's own words, with secrets among them."""

    name: str
    erp: str
    tenant: str
    base_url: str | None
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class KmsKey:
    """A master key in AWS KMS, by id, alias or ARN: `aws-kms:NAME`."""

    name: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the operator decides. Secrets stay out of its repr.

    `database_url` None means the embedded server below `home`. `partition_start` is the first day that Dagster lists.
    `encryption_key` is the one that was given, `further_keys` those that open what it did not seal; what is used is
    `master_keys()`.
    `reports` is a folder or s3://bucket/prefix, None for one below `home`; `s3_endpoint_url` if it is not Amazon's.
    `public_url` is where browsers and ERPs find the gateway, None where they find it under the name they call it by.
    `webhook_networks` are private networks that webhooks may go to all the same, also without TLS.
    """

    home: Path
    database_url: str | None = field(repr=False)
    encryption_key: bytes | KmsKey | None = field(repr=False)
    partition_start: date
    pull_interval_seconds: int
    tenant: str
    connections: Mapping[str, DeclaredConnection]
    further_keys: tuple[bytes | KmsKey, ...] = field(default=(), repr=False)
    limits: Limits = field(default_factory=Limits)
    data_docs: Path | None = None
    reports: str | None = None
    s3_endpoint_url: str | None = None
    public_url: str | None = None
    webhook_networks: tuple[Network, ...] = ()

    @property
    def data_docs_folder(self) -> Path:
        """Where Great Expectations' pages are."""
        return self.data_docs or self.home / "data_docs"

    def master_keys(self) -> list[bytes | KmsKey]:
        """The keys given, else those kept below `home`, made when they are first asked for: the one that seals, then
        those that open as well. Read anew by each call. Raises SettingsError.
        """
        if self.encryption_key is not None:
            return [self.encryption_key, *self.further_keys]
        return [*stored_encryption_keys(self.home), *self.further_keys]


class SettingsError(TieoutError):
    """One or more wrong settings, each with its own message in `problems`; nothing was started."""

    def __init__(self, problems: list[TieoutError]) -> None:
        self.problems = tuple(problems)
        first = problems[0]
        super().__init__(
            ErrorKind.VALIDATION,
            doing=first.doing,
            found=first.found,
            expected=first.expected,
            next_step=first.next_step,
        )

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read every setting, or raise one SettingsError that names all that are wrong. Makes no folder and no key.

    Variables: TIEOUT_HOME (default `.tieout` here), TIEOUT_DATABASE_URL, TIEOUT_ENCRYPTION_KEY (base64 of 32 bytes, or
    `aws-kms:KEY`; absent: `$TIEOUT_HOME/encryption.key`, generated on first use), TIEOUT_FURTHER_ENCRYPTION_KEYS (the
    same, separated by commas: they open and never seal), TIEOUT_PARTITION_START (2026-01-01),
    TIEOUT_PULL_INTERVAL_SECONDS (300), TIEOUT_TENANT (default), TIEOUT_DATA_DOCS (`$TIEOUT_HOME/data_docs`),
    TIEOUT_FUTURE_DAYS_MAX (366), TIEOUT_STALE_HOURS_MAX (26), TIEOUT_REPORTS (`$TIEOUT_HOME/reports`),
    TIEOUT_REPORTS_ENDPOINT (none), TIEOUT_PUBLIC_URL (none), TIEOUT_WEBHOOK_NETWORKS (none; networks separated by
    commas), TIEOUT_CONNECTIONS (a path; default `connections.toml`
    here, which may be absent). An empty variable counts as absent. Secrets of declared connections: `secret_variable`.
    """
    reader = _Reader(environ)
    home = reader.value("TIEOUT_HOME", Path(".tieout").absolute(), _home)
    database_url = reader.value("TIEOUT_DATABASE_URL", None, _database_url, is_secret=True)
    given_key = reader.value("TIEOUT_ENCRYPTION_KEY", None, _master_key, is_secret=True)
    further_keys = reader.value("TIEOUT_FURTHER_ENCRYPTION_KEYS", (), _further_keys, is_secret=True)
    partition_start = reader.value("TIEOUT_PARTITION_START", date(2026, 1, 1), _past_day)
    interval = reader.value("TIEOUT_PULL_INTERVAL_SECONDS", 300, _interval_seconds)
    tenant = reader.value("TIEOUT_TENANT", "default", _tenant)
    data_docs = reader.value("TIEOUT_DATA_DOCS", None, _home)
    limits = Limits(
        future_days_max=reader.value("TIEOUT_FUTURE_DAYS_MAX", Limits().future_days_max, _count_up_to(36_600)),
        stale_hours_max=reader.value("TIEOUT_STALE_HOURS_MAX", Limits().stale_hours_max, _count_up_to(8_784)),
    )
    reports = reader.value("TIEOUT_REPORTS", None, _reports)
    s3_endpoint_url = reader.value("TIEOUT_REPORTS_ENDPOINT", None, _http_url)
    public_url = reader.value("TIEOUT_PUBLIC_URL", None, _http_url)
    webhook_networks = reader.value("TIEOUT_WEBHOOK_NETWORKS", (), _networks)
    connections = reader.connections(tenant)
    if reader.problems:
        raise SettingsError(reader.problems)
    return Settings(
        home=home,
        database_url=database_url,
        encryption_key=given_key,
        partition_start=partition_start,
        pull_interval_seconds=interval,
        tenant=tenant,
        connections=MappingProxyType(connections),
        further_keys=further_keys,
        limits=limits,
        data_docs=data_docs,
        reports=reports,
        s3_endpoint_url=s3_endpoint_url,
        public_url=public_url,
        webhook_networks=webhook_networks,
    )


def stored_encryption_keys(home: Path) -> list[bytes]:
    """The keys in `home/encryption.key`, one a line and the one that seals first; one is generated if there is none.

    Raises SettingsError if the file holds anything else.
    """
    path = home / "encryption.key"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            with suppress(FileExistsError):
                write_keys(home, [secrets.token_bytes(ENCRYPTION_KEY_BYTES)], is_first=True)
        lines = path.read_text().split()
        return [_encryption_key(line) for line in lines or [""]]
    except OSError as error:
        problem = _problem(
            str(path), f"{error.strerror}", "a readable file in a writable directory", "point TIEOUT_HOME elsewhere"
        )
    except ValueError as error:
        problem = _problem(
            str(path),
            "something else",
            str(error),
            "restore the file from a backup: stored credentials need this very key",
        )
    raise SettingsError([problem])


def write_keys(home: Path, keys: Sequence[bytes], *, is_first: bool = False) -> None:
    """Write the key file so that whoever reads it meanwhile reads the old one or the new one, whole.

    `is_first`: raise FileExistsError if there is one; of several processes at once one wins and all read the same.
    """
    path = home / "encryption.key"
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.writelines(base64.b64encode(key).decode() + "\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        if is_first:
            os.link(draft, path)
        else:
            draft.replace(path)
        directory = os.open(home, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        draft.unlink(missing_ok=True)


class _Reader:
    """Reads one value after the other and remembers what was wrong instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[TieoutError] = []

    def value(self, name: str, default: Any, parse: Callable[[str], Any], *, is_secret: bool = False) -> Any:
        raw = self.environ.get(name, "").strip()
        if not raw:
            return default
        try:
            return parse(raw)
        except ValueError as error:
            found = "a value that is not" if is_secret else repr(raw)
            next_step = "correct it" if default is None else f"correct it, or unset it for the default {default}"
            self.problems.append(_problem(name, found, str(error), next_step))
            return default

    def connections(self, tenant: str) -> dict[str, DeclaredConnection]:
        given = self.environ.get("TIEOUT_CONNECTIONS", "").strip()
        path = Path(given or "connections.toml")
        if not given and not path.exists():
            return {}
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8")).get("connections", {})
        except OSError as error:
            self._add(
                str(path), f"{error.strerror}", "a readable file", "correct TIEOUT_CONNECTIONS or the file's rights"
            )
            return {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self._add(str(path), f"{error}", "TOML in UTF-8", "correct the file")
            return {}
        if not isinstance(tables, dict):
            self._add(str(path), f"connections = {tables!r}", "one table [connections.NAME] each", "correct the file")
            return {}
        declared = {name: self._connection(path, name, table, tenant) for name, table in tables.items()}
        return {name: connection for name, connection in declared.items() if connection is not None}

    def _connection(self, path: Path, name: str, table: Any, tenant: str) -> DeclaredConnection | None:
        where = f"{path} [connections.{name}]"
        problems_before = len(self.problems)
        if not CONNECTION_NAME.fullmatch(name):
            expected = "a name of 1 to 40 characters a-z, 0-9, _ and -, beginning with a letter"
            self._add(where, repr(name), expected, "rename it")
        if not isinstance(table, dict):
            self._add(where, repr(table), "a table of keys and values", "correct the file")
            return None
        for key, value in table.items():
            if any(word in key.lower() for word in SECRET_WORDS):
                variable = secret_variable(name, key)
                self._add(
                    f"{where} {key}", "a secret", "no secrets in this file", f"move it to the variable {variable}"
                )
            elif not isinstance(value, str | int) or isinstance(value, bool):
                self._add(f"{where} {key}", repr(value), "a text or a whole number", "correct the file")
        if not table.get("erp"):
            self._add(where, "no erp", 'a line like erp = "quickbooks"', "add it")
        if len(self.problems) > problems_before:
            return None
        prefix = secret_variable(name, "")
        from_file = {key: str(value) for key, value in table.items() if key not in CONNECTION_KEYS}
        from_environment = {
            variable.removeprefix(prefix).lower(): value
            for variable, value in self.environ.items()
            if variable.startswith(prefix) and value
        }
        if not TENANT_NAME.fullmatch(str(table.get("tenant", tenant))):
            self._add(f"{where} tenant", repr(table["tenant"]), TENANT_RULE, "rename it")
            return None
        return DeclaredConnection(
            name=name,
            erp=str(table["erp"]),
            tenant=str(table.get("tenant", tenant)),
            base_url=str(table["base_url"]) if "base_url" in table else None,
            values=MappingProxyType({**from_file, **from_environment}),
        )

    def _add(self, what: str, found: str, expected: str, next_step: str) -> None:
        self.problems.append(_problem(what, found, expected, next_step))


def secret_variable(connection: str, key: str) -> str:
    """The variable with one secret of a declared connection, such as TIEOUT_CONNECTION_QBO_US__REFRESH_TOKEN."""
    return f"TIEOUT_CONNECTION_{connection.upper().replace('-', '_')}__{key.upper()}"


def _problem(what: str, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION, doing=f"reading {what}", found=found, expected=expected, next_step=next_step
    )


def _home(raw: str) -> Path:
    path = Path(raw).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError("a directory, existing or to be made")
    return path


def _database_url(raw: str) -> str:
    expected = "postgresql://user:password@host:port/database"
    try:
        parts = urlsplit(raw)
        _ = parts.port
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError(expected)
    return raw.replace("postgres://", "postgresql://", 1)


def _encryption_key(raw: str) -> bytes:
    expected = f"{ENCRYPTION_KEY_BYTES} random bytes in base64, as `openssl rand -base64 {ENCRYPTION_KEY_BYTES}` prints"
    try:
        key = base64.b64decode(raw, validate=True)
    except binascii.Error:
        raise ValueError(expected) from None
    if len(key) != ENCRYPTION_KEY_BYTES:
        raise ValueError(expected)
    return key


def _master_key(raw: str) -> bytes | KmsKey:
    service, sign, name = raw.partition(":")
    if not sign:
        return _encryption_key(raw)
    if service != "aws-kms" or not name.strip():
        raise ValueError("base64 of 32 bytes, or aws-kms: and the id, alias or ARN of a key")
    return KmsKey(name.strip())


def _further_keys(raw: str) -> tuple[bytes | KmsKey, ...]:
    return tuple(_master_key(one.strip()) for one in raw.split(",") if one.strip())


def _past_day(raw: str) -> date:
    expected = "a day like 2026-01-01, today or earlier"
    try:
        day = date.fromisoformat(raw)
    except ValueError:
        raise ValueError(expected) from None
    if day > datetime.now(UTC).date():
        raise ValueError(expected)
    return day


def _interval_seconds(raw: str) -> int:
    if not raw.isascii() or not raw.isdigit() or not 10 <= int(raw) <= 86_400:
        raise ValueError("a whole number of seconds from 10 to 86400")
    return int(raw)


def _count_up_to(most: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw) <= most:
            raise ValueError(f"a whole number from 1 to {most}")
        return int(raw)

    return parse


def _reports(raw: str) -> str:
    if "://" not in raw:
        return str(Path(raw).expanduser().absolute())
    parts = urlsplit(raw)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError("a folder, or s3://bucket/prefix")
    return raw


def _http_url(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("an address like https://s3.example.com")
    return raw


def _networks(raw: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(one.strip()) for one in raw.split(",") if one.strip())
    except ValueError:
        raise ValueError("networks such as 10.1.0.0/16, separated by commas") from None


def _tenant(raw: str) -> str:
    if not TENANT_NAME.fullmatch(raw):
        raise ValueError("1 to 63 characters a-z, 0-9, _ and -, beginning with a letter or digit")
    return raw
