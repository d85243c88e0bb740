"""Code maps: one to one, only to ids the ERP has, all or none, audited; what waited is looked at again."""

from __future__ import annotations

import json

import pytest

from resources.errors import TieoutError
from resources.stores import audit, code_maps


@pytest.fixture
def mirrored(transaction) -> None:
    """Terms 3 and 4 of the company, and 5 that was deleted there."""
    with transaction() as tx:
        for external_id in ("3", "4", "5"):
            tx.execute(
                "insert into mirror.terms (connection, external_id, tenant_id, content_hash, payload, is_deleted) "
                "values ('qbo', %s, 'default', '', '{}', %s)",
                (external_id, external_id == "5"),
            )


@pytest.fixture
def put(transaction):
    def put(list_name: str = "terms", **codes: str) -> list[str]:
        with transaction() as tx:
            return code_maps.put(tx, tenant="default", connection="qbo", list_name=list_name, codes=codes, actor="ann")

    return put


def table(transaction):
    with transaction() as tx:
        return code_maps.table(tx, "qbo")


def test_a_map_is_read_both_ways_and_changed_and_removed(mirrored, put, transaction):
    assert put(NET30="3", NET60="4") == ["NET30", "NET60"]
    assert put(NET30="3") == []
    assert table(transaction).to_erp["terms"] == {"NET30": "3", "NET60": "4"}
    assert table(transaction).to_ours["terms"] == {"3": "NET30", "4": "NET60"}
    assert table(transaction).to_erp["accounts"] == {}
    assert put(NET30="4", NET60="3") == ["NET30", "NET60"]
    with transaction() as tx:
        removed = code_maps.remove(
            tx, tenant="default", connection="qbo", list_name="terms", codes=["NET60", "NET9"], actor="bob"
        )
    assert removed == ["NET60"]
    assert table(transaction).to_erp["terms"] == {"NET30": "4"}
    with transaction() as tx:
        told = [(e["action"], e["actor"], json.loads(e["detail"])) for e in audit.entries(tx, "default")]
    assert told[0] == ("codes.unmap", "bob", {"list": "terms", "before": {"NET60": "3"}})
    assert told[1][2]["before"] == {"NET30": "3", "NET60": "4"}
    assert len(told) == 3


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        pytest.param({"A": "3", "B": "33"}, "no terms with the id 33 in the mirror", id="unknown id"),
        pytest.param({"B": "5"}, "with the id 5", id="deleted there"),
        pytest.param({"A": "3", "B": "3"}, "one id given twice", id="one id twice"),
        pytest.param({"B": "4"}, "4 (from NET60), already mapped", id="id of another code"),
    ],
)
def test_a_wrong_map_is_refused_whole(mirrored, put, transaction, codes, said):
    put(NET60="4")
    with pytest.raises(TieoutError) as refused:
        put(**codes)
    assert said in str(refused.value)
    assert table(transaction).to_erp["terms"] == {"NET60": "4"}


def test_a_list_that_there_is_not_and_one_that_is_empty_are_told(mirrored, put):
    with pytest.raises(TieoutError, match="expected one of accounts, terms"):
        put("colours", A="1")
    with pytest.raises(TieoutError, match="accounts in the mirror, which has none"):
        put("accounts", A="1")


def test_what_waited_for_a_code_is_looked_at_again(mirrored, put, transaction):
    with transaction() as tx:
        tx.execute("insert into ledger.customers (name, currency, terms_code) values ('Ann', 'USD', 'NET30')")
        tx.execute("update sync.edits set looked_at = now()")
    put(NET30="3")
    with transaction() as tx:
        assert tx.execute("select looked_at from sync.edits").fetchall() == [(None,)]
