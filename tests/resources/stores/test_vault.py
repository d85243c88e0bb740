"""Secrets in the real database: versions, tenants, rotation, and nothing readable in it."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from resources.crypto import LocalMasterKey, Vaultkeeper
from resources.errors import TieoutError
from resources.stores import master_keys
from resources.stores.vault import Transaction, Vault
from tests.resources.secret_tables import MASTER_KEY, TENANT, emptied, prepare, transactions

KEEPER = Vaultkeeper([LocalMasterKey(MASTER_KEY)])


@pytest.fixture(scope="module")
def tables(new_database):
    return new_database(prepare)


@pytest.fixture
def database(tables):
    return emptied(tables)


@pytest.fixture
def transaction(database) -> Iterator[Transaction]:
    with transactions(database.url()) as opened:
        yield opened


@pytest.fixture
def vault(transaction) -> Vault:
    return Vault(transaction, TENANT, KEEPER)


def test_the_newest_version_is_the_secret_and_three_are_kept(vault, database):
    for number in range(5):
        assert vault.put("qbo", "client_secret", f"secret {number}") == number + 1
    vault.put("qbo", "realm", "9130")

    assert vault.get("qbo", "client_secret") == "secret 4"
    assert vault.all("qbo") == {"client_secret": "secret 4", "realm": "9130"}
    assert vault.get("qbo", "unknown") is None
    with database.connect("superuser") as db:
        assert db.execute("select count(*) from sync.secrets where name = 'client_secret'").fetchone() == (3,)


def test_two_writers_at_once_get_two_versions(vault):
    writers = [Thread(target=vault.put, args=("qbo", "x", f"{number}")) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert vault.put("qbo", "x", "last") == 9


def test_nothing_in_the_database_can_be_read(vault, database):
    vault.put("qbo", "client_secret", "CANARY-secret")

    with database.connect("superuser") as db:
        rows = db.execute("select s::text, encode(sealed, 'escape') from sync.secrets s").fetchall()
    assert rows
    assert "CANARY" not in str(rows)


def test_a_row_moved_to_another_connection_does_not_open(vault, database):
    vault.put("qbo", "client_secret", "secret")
    with database.connect("superuser") as db:
        db.execute("update sync.secrets set connection = 'other'")

    with pytest.raises(TieoutError, match="moved"):
        vault.get("other", "client_secret")


def test_the_wrong_key_fails_loudly(vault, transaction):
    vault.put("qbo", "client_secret", "secret")

    with pytest.raises(TieoutError, match="TIEOUT_ENCRYPTION_KEY"):
        Vault(transaction, TENANT, Vaultkeeper([LocalMasterKey(b"z" * 32)])).get("qbo", "client_secret")


def test_a_rotation_can_be_interrupted_anywhere(vault, transaction):
    for number in range(10):
        vault.put("qbo", f"secret{number}", f"value {number}")
    newer = LocalMasterKey(b"n" * 32)
    with transaction() as db:
        master_keys.show(db, newer.key_id, b"")
    rotating = Vault(transaction, TENANT, Vaultkeeper([newer, LocalMasterKey(MASTER_KEY)]))

    assert rotating.all("qbo") == vault.all("qbo")
    assert rotating.rewrap() == 10
    assert rotating.rewrap() == 0
    assert len(Vault(transaction, TENANT, Vaultkeeper([newer])).all("qbo")) == 10


def test_a_deleted_connection_leaves_no_secret(vault):
    vault.put("qbo", "a", "1")
    vault.put("other", "a", "2")

    vault.delete("qbo")

    assert vault.all("qbo") == {}
    assert vault.all("other") == {"a": "2"}
