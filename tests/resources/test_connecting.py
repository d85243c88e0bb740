"""Entering, removing and entering again: a name is one company's for good, a company has one connection in a tenant."""

from __future__ import annotations

import pytest

from resources.connecting import remove_connection
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
