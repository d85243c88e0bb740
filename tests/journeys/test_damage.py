"""Whatever is damaged is found, with its one cause, and the causes add up to the cent: singly and in mixtures."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.reconcile import MODULES
from resources.stages import sync as whole_way
from resources.stages.reconcile import Reconciliation
from tests.books import Books, open_services
from tests.conftest import NewDatabase, ScratchDatabase, drop_database
from tests.house import Simulator, connect_simulator, prepare_database
from tests.journeys.damage import DAMAGES, SLOTS, Expected, World, apply

MIXTURES = 12
OpenWorld = Callable[[], contextmanager]


@pytest.fixture(scope="module")
def prepare(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Callable[[ScratchDatabase], None]:
    """Fills a database with the company, synced; copied for each test, because syncing takes longer than comparing."""

    def fill(database: ScratchDatabase) -> None:
        prepare_database(database)
        simulator.reset("empty")
        with open_services(database.url(), tmp_path_factory.mktemp("first")) as services:
            connect_simulator(services, simulator)
            books = Books(services, database, simulator, Path())
            World.of(books).load()
            books.sync("full")

    return fill


@pytest.fixture
def world(
    prepare: Callable[[ScratchDatabase], None], new_database: NewDatabase, simulator: Simulator, tmp_path: Path
) -> Iterator[World]:
    """The undamaged company, on both sides."""
    database = new_database(prepare)
    simulator.reset("empty")
    with open_services(database.url(), tmp_path) as services:
        world = World.of(Books(services, database, simulator, tmp_path))
        world.load()
        world.books.renew_grant()
        yield world
    drop_database(database.server, database.name)


def reconciled(world: World) -> list[Reconciliation]:
    return whole_way.reconcile(world.books.services, world.books.name, list(MODULES.values()))


def found_in(reconciliations: list[Reconciliation]) -> Expected:
    return {
        (b.identity, result.currency): (b.cause, b.amount)
        for one in reconciliations
        for result in one.results
        for b in result.breaks
    }


def adds_up(reconciliations: list[Reconciliation]) -> bool:
    return all(
        sum((b.amount for b in result.breaks), Decimal(0)) == result.difference
        for one in reconciliations
        for result in one.results
    )


def test_the_undamaged_company_ties_out(world: World):
    found = reconciled(world)

    assert found_in(found) == {}
    assert [s for one in found for s in one.statements] == []
    assert all(one.ties_out for one in found)
    assert {(one.module.name, r.currency): r.ledger_amount for one in found for r in one.results} == {
        ("ar", "USD"): Decimal(20 * 6),
        ("ar", "EUR"): Decimal(20 * 5),
        ("ap", "USD"): Decimal(55 * 6),
        ("ap", "EUR"): Decimal(55 * 5),
    }


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_one_damage_is_found_with_its_cause(world: World, name: str):
    expected = apply(world, {3: name})

    found = reconciled(world)

    assert found_in(found) == expected
    assert adds_up(found)
    assert not all(one.ties_out for one in found)


@pytest.mark.parametrize("seed", range(MIXTURES))
def test_a_mixture_of_damages_is_found_whole(world: World, seed: int):
    chance = random.Random(seed)
    count = chance.randint(2, 10)
    # Slot 0 and 1 stay as they are; whoever moves to another party moves two slots on.
    chosen = dict(zip(chance.sample(range(SLOTS), count), chance.sample(sorted(DAMAGES), count), strict=True))
    expected = apply(world, chosen)

    found = reconciled(world)

    assert found_in(found) == expected, chosen
    assert adds_up(found)


def test_there_are_at_least_forty_kinds():
    assert len(DAMAGES) >= 40
