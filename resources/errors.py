"""What can go wrong between two books, classed by what to do about it, and the one exception that carries it.

Belongs here: the classes, their fixed properties (code, severity, whether trying again can help, the usual way out) and
`TieoutError`. Which status or fault of one ERP is which class is decided at that ERP's boundary, by status and code and
never by words; what Dagster does about a class is decided in `assets/failures.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ATTEMPTS_MAX = 5
RETRY_DELAY_SECONDS_MIN = 1.0
RETRY_DELAY_SECONDS_MAX = 30.0


class ErrorKind(StrEnum):
    """The class of a failure; every failure has exactly one."""

    CONNECTION = "connection"
    TIMEOUT = "timeout"
    RATE_LIMIT = "rate_limit"
    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    VALIDATION = "validation"
    MAPPING = "mapping"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How loud: a warning mends itself, an error holds one record, a critical error stops a whole connection."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """What is fixed for a kind. `is_retryable`: the same call, unchanged, may succeed later."""

    code: str
    severity: Severity
    is_retryable: bool
    suggested_fix: str


ERROR_CLASSES: dict[ErrorKind, ErrorClass] = {
    ErrorKind.CONNECTION: ErrorClass(
        "SYNC_001",
        Severity.WARNING,
        True,
        "it is tried again by itself; if it lasts, check the network and the address",
    ),
    ErrorKind.TIMEOUT: ErrorClass(
        "SYNC_001",
        Severity.WARNING,
        True,
        "it is tried again by itself; if it lasts, the other side is overloaded or down",
    ),
    ErrorKind.RATE_LIMIT: ErrorClass(
        "SYNC_003", Severity.WARNING, True, "it is tried again once the ERP allows; if it lasts, pull less often"
    ),
    # A call that is refused with a token that was given just now; what refuses the sign-in itself says so.
    ErrorKind.AUTHENTICATION: ErrorClass(
        "SYNC_002",
        Severity.CRITICAL,
        False,
        "signing in works, and this call is refused all the same: look at the permissions and scopes of the app and at "
        "the role of whoever connected it; it is tried again by itself",
    ),
    ErrorKind.AUTHORIZATION: ErrorClass(
        "SYNC_002", Severity.CRITICAL, False, "give the connected user or app the missing permission in the ERP"
    ),
    ErrorKind.VALIDATION: ErrorClass("SYNC_004", Severity.ERROR, False, "correct the value named above"),
    ErrorKind.MAPPING: ErrorClass("SYNC_004", Severity.ERROR, False, "add the missing mapping, then sync again"),
    ErrorKind.DUPLICATE: ErrorClass(
        "SYNC_005", Severity.ERROR, False, "decide which of the two records is the real one and void or bind the other"
    ),
    ErrorKind.NOT_FOUND: ErrorClass(
        "SYNC_000", Severity.ERROR, False, "check the name or id, or pull the record again"
    ),
    ErrorKind.CONFLICT: ErrorClass("SYNC_000", Severity.ERROR, False, "pull, merge, then try again"),
    ErrorKind.SYSTEM: ErrorClass(
        "SYNC_000",
        Severity.WARNING,
        True,
        "it is tried again by itself; if it lasts, ask the ERP's support or see the log",
    ),
    ErrorKind.UNKNOWN: ErrorClass("SYNC_000", Severity.ERROR, False, "look at what was found and report it as a bug"),
}


class TieoutError(Exception):
    """One failure, said in full: who, doing what, what was found, what was expected, what to do next.

    `connection` is None for what concerns no connection (settings, our own database). `doing` is a participle phrase
    ("pulling invoices"), `found` and `expected` are noun phrases; none of them ever holds a token, a password or a bank
    number. `next_step` defaults to the kind's suggested fix. `retry_after_seconds` is what the other side asked for.
    """

    def __init__(
        self,
        kind: ErrorKind,
        *,
        doing: str,
        found: str,
        expected: str = "",
        next_step: str | None = None,
        connection: str | None = None,
        entity: str | None = None,
        external_id: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        self.kind = ErrorKind(kind)
        self.doing = doing
        self.found = found
        self.expected = expected
        self.next_step = next_step if next_step is not None else ERROR_CLASSES[self.kind].suggested_fix
        self.connection = connection
        self.entity = entity
        self.external_id = external_id
        self.retry_after_seconds = retry_after_seconds
        super().__init__(str(self))

    @property
    def code(self) -> str:
        """The stable code of this class of failure, `SYNC_000` to `SYNC_005`."""
        return ERROR_CLASSES[self.kind].code

    @property
    def severity(self) -> Severity:
        return ERROR_CLASSES[self.kind].severity

    @property
    def is_retryable(self) -> bool:
        """Whether the same call, unchanged, may succeed later."""
        return ERROR_CLASSES[self.kind].is_retryable

    @property
    def attempts_max(self) -> int:
        """How often to try in all, the first time included."""
        return ATTEMPTS_MAX if self.is_retryable else 1

    def as_row(self) -> dict[str, Any]:
        """All of it as JSON-able values, for the error table and for `--json`."""
        return {
            "kind": self.kind.value,
            "code": self.code,
            "severity": self.severity.value,
            "is_retryable": self.is_retryable,
            "connection": self.connection,
            "entity": self.entity,
            "external_id": self.external_id,
            "doing": self.doing,
            "found": self.found,
            "expected": self.expected,
            "next_step": self.next_step,
            "retry_after_seconds": self.retry_after_seconds,
            "message": str(self),
        }

    def __str__(self) -> str:
        expected = f", expected {self.expected}" if self.expected else ""
        return f"{self.connection or 'tieout'}: {self._doing_in_full()}: found {self.found}{expected}: {self.next_step}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle by their positional arguments, which would lose the named fields between processes.
        return _rebuild, (type(self), self.__dict__.copy(), str(self))

    def _doing_in_full(self) -> str:
        """What was being done, naming entity and record once even where `doing` names them already."""
        words = [word for word in (self.entity, self.external_id) if word and word not in self.doing]
        return f"{self.doing} {'/'.join(words)}" if words else self.doing


def _rebuild(cls: type[TieoutError], fields: dict[str, Any], message: str) -> TieoutError:
    error = cls.__new__(cls)
    error.__dict__.update(fields)
    error.args = (message,)
    return error
