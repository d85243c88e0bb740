"""A world for each module of schedules; every schedule finds it as it was at the beginning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.books import opened_books
from tests.conftest import NewDatabase
from tests.faults.world import World, running_world
from tests.house import running_simulator


@pytest.fixture(scope="module")
def world(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with (
        running_simulator("--no-limits") as simulator,
        opened_books(new_database, simulator, tmp_path_factory.mktemp("home"), "empty") as books,
        running_world(books) as running,
    ):
        yield running
