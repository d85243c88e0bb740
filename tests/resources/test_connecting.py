"""Entering, removing and entering again: a name is one company's for good, a company has one connection."""

from __future__ import annotations

import threading

import pytest

from resources.connecting import add_connection, remove_connection
from resources.errors import TieoutError
from tests.books import Books, books, simulator  # noqa: F401  A company, connected.
from tests.house import CONNECTION, connect_simulator
from tests.small_company import a_company


def test_the_same_company_may_be_connected_again_and_goes_on_where_it_was(books: Books):  # noqa: F811
    books.load(a_company(3))
    books.sync()
    remove_connection(books.services, books.name)
    assert books.services.connections() == []

    connect_simulator(books.services, books.simulator)

    assert all(outcome.is_quiet for outcome in books.sync().outcomes.values())


def test_a_name_that_had_another_company_is_refused(books: Books):  # noqa: F811
    remove_connection(books.services, books.name)

    with pytest.raises(TieoutError, match="had another company"):
        connect_simulator(books.services, books.simulator, realm_id="2")


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_company_that_is_connected_already_is_refused_under_another_name(books: Books, is_removed):  # noqa: F811
    if is_removed:
        remove_connection(books.services, books.name)

    with pytest.raises(TieoutError, match=f"in the connection {CONNECTION}"):
        connect_simulator(books.services, books.simulator, "again")


def test_a_name_that_another_tenant_has_is_refused(books: Books):  # noqa: F811
    with pytest.raises(TieoutError, match="a connection of that name"):
        connect_simulator(books.services, books.simulator, tenant="other")


@pytest.mark.parametrize("tenant", ["*", "two words", "x -c tieout.tenant=default"])
def test_a_tenant_is_a_plain_name(books: Books, tenant):  # noqa: F811
    with pytest.raises(TieoutError, match="the tenant"):
        connect_simulator(books.services, books.simulator, "a", tenant=tenant)


@pytest.mark.parametrize("state", ["active", "reconnect", "disconnected", "paused"])
def test_a_company_that_another_tenant_has_is_refused_and_nobody_is_named(books: Books, state):  # noqa: F811
    books.change("update sync.connections set state = %s", state)

    with pytest.raises(TieoutError, match="which somebody else has connected") as refused:
        connect_simulator(books.services, books.simulator, "stolen", tenant="other")

    said = str(refused.value)
    assert said.startswith("tieout: adding the connection stolen: found realm_id ")
    assert CONNECTION not in said and "default" not in said
    assert [one.name for one in books.services.connections()] == [CONNECTION]


def test_a_slash_more_does_not_make_it_another_company(books: Books):  # noqa: F811
    minted = books.simulator.post("tokens")
    values = {name: minted[name] for name in ("client_id", "client_secret", "refresh_token", "realm_id")}

    with pytest.raises(TieoutError, match="which somebody else has connected"):
        add_connection(
            books.services,
            name="stolen",
            erp="quickbooks",
            tenant="other",
            base_url=f"{books.simulator.base_url}/",
            values=values,
        )


def test_a_company_that_was_removed_is_free_for_others_and_then_taken(books: Books):  # noqa: F811
    remove_connection(books.services, books.name)
    connect_simulator(books.services, books.simulator, "theirs", tenant="other")

    with pytest.raises(TieoutError, match="which somebody else has connected"):
        connect_simulator(books.services, books.simulator)

    remove_connection(books.services, "theirs")
    connect_simulator(books.services, books.simulator)
    assert [one.name for one in books.services.connections()] == [CONNECTION]


def test_of_two_tenants_that_connect_a_company_at_once_one_has_it(books: Books):  # noqa: F811
    """The database refuses it: whoever asks second sees nothing of the first, and waits for it."""
    remove_connection(books.services, books.name)
    settled: list[str] = []

    def come_second() -> None:
        try:
            connect_simulator(books.services, books.simulator, "theirs", tenant="other")
        except TieoutError as error:
            settled.append(str(error))

    second = threading.Thread(target=come_second)
    with books.services.db.transaction("default") as tx:
        tx.execute("update sync.connections set state = 'active'")
        second.start()
        second.join(1.0)
        assert second.is_alive(), "it waits for what the first makes of it"
    second.join()

    assert len(settled) == 1 and "which somebody else has connected" in settled[0]
    assert [one.name for one in books.services.connections()] == [CONNECTION]
