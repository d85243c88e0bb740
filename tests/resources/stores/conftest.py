"""A migrated database for one test, and transactions of a tenant on it as the product opens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest

from resources.stores.database import Database
from tests.conftest import NewDatabase, ScratchDatabase, drop_database
from tests.house import prepare_database

Transaction = Callable[..., AbstractContextManager[psycopg.Connection]]


@pytest.fixture
def migrated(new_database: NewDatabase) -> Iterator[ScratchDatabase]:
    database = new_database(prepare_database)
    yield database
    drop_database(database.server, database.name)


@pytest.fixture
def transaction(migrated: ScratchDatabase) -> Iterator[Transaction]:
    """`transaction()` is one of tenant `default`, `transaction("other")` one of another."""
    db = Database(migrated.url())
    yield lambda tenant="default": db.transaction(tenant)
    db.close()
