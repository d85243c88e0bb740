"""What others raise and a person can mend, in our words: a database that is away or of another version, and a wrong
definition.

Belongs here: what every way in (a command, a step, a sensor) has to say alike. What an ERP refuses is classed at that
ERP's boundary. Importing this reads no entity, as one of them may be what is wrong.
"""

from __future__ import annotations

import psycopg
import sqlalchemy.exc

from ledger.spec import SpecError
from resources.errors import ErrorKind, TieoutError
from resources.stores.database import first_line


def understood(error: Exception) -> TieoutError | None:
    """The error as one that says what a person can mend, or itself if it is one. None for any other: a bug of ours."""
    if isinstance(error, TieoutError):
        return error
    if isinstance(error, SpecError):
        return wrong_definition(error)
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    if isinstance(cause, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return TieoutError(
            ErrorKind.VALIDATION,
            doing="reading the database",
            found=first_line(cause),
            expected="a database of this version",
            next_step="run `tieout init`",
        )
    if isinstance(cause, psycopg.OperationalError):
        return TieoutError(
            ErrorKind.CONNECTION,
            doing="connecting to the database",
            found=first_line(cause),
            expected="a PostgreSQL 15 or later that answers",
            next_step="start it, or correct TIEOUT_DATABASE_URL",
        )
    return None


def wrong_definition(error: Exception) -> TieoutError:
    """An error of ours or of Dagster's that says which definition is wrong, and how."""
    return TieoutError(
        ErrorKind.VALIDATION,
        doing="reading the definitions",
        found=" ".join(str(error).split()),
        expected="definitions that something can be built from",
        next_step="correct what is named",
    )
