"""A world of each ERP for all schedules of a test process; each of them finds it as it was at the beginning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.world import World, running_world


@pytest.fixture(scope="session")
def quickbooks_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture(scope="session")
def xero_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("xero"), "xero") as running:
        yield running


@pytest.fixture(scope="session")
def world(quickbooks_world: World) -> World:
    return quickbooks_world
