"""Switches: what is off for a connection, a module and a direction, as stages, sensors and people ask for it."""

from __future__ import annotations

import json

import pytest

from resources.stores import audit, due_work, switches

SHARED = ("items", "terms", "accounts")


@pytest.fixture
def connected(transaction) -> None:
    for name, tenant in (("qbo", "default"), ("xero", "default"), ("theirs", "other")):
        with transaction(tenant) as tx:
            tx.execute(
                "insert into sync.connections (connection, tenant_id, erp, settings, partition_key, "
                "pull_interval_seconds) values (%s, %s, 'quickbooks', '{}', %s, 300)",
                (name, tenant, name),
            )


@pytest.fixture
def switch(transaction):
    def switch(module: str, direction: str, is_on: bool, connection: str = "qbo", reason: str = "month end"):
        with transaction() as tx:
            return switches.switch(
                tx,
                tenant="default",
                connection=connection,
                module=module,
                direction=direction,
                is_on=is_on,
                actor="ann",
                reason=reason,
            )

    return switch


@pytest.fixture
def maintain(transaction):
    def maintain(is_on: bool) -> bool:
        with transaction() as tx:
            return switches.set_maintenance(tx, tenant="default", is_on=is_on, actor="ann", reason="upgrade")

    return maintain


@pytest.fixture
def off(transaction):
    """What of invoices, bills and shared entities is off, as stages ask, which must be as sensors ask."""

    def off(connection: str = "qbo", tenant: str = "default") -> set[str]:
        found = set()
        for direction in switches.DIRECTIONS:
            with transaction(tenant) as tx:
                names = switches.switched_off(tx, tenant, connection, direction, ["invoices", "bills", *SHARED])
                for name in ("invoices", "bills", *SHARED):
                    condition = switches.is_entity_on_sql(connection="c", entity=f"'{name}'", direction=direction)
                    (is_on,) = tx.execute(
                        f"select {condition} from sync.connections c where connection = %s", [connection]
                    ).fetchone()
                    assert is_on == (name not in names)
            found |= {f"{direction} {name}" for name in names}
        return found

    return off


def test_what_nobody_switched_off_is_on(connected, off, transaction):
    assert off() == set()
    with transaction("*") as tx:
        assert switches.connections_on(tx, "push") == ["qbo", "theirs", "xero"]


def test_a_module_goes_off_in_its_direction_and_takes_nothing_shared_with_it(connected, switch, off, transaction):
    assert switch("ar", "push", False) == [("ar", "push")]
    assert off() == {"push invoices"}
    assert off("xero") == set()
    with transaction() as tx:
        ask = {
            (module, way): switches.is_on(tx, "default", "qbo", module, way)
            for module in ("ar", "ap", "all")
            for way in ("pull", "push", "bidirectional")
        }
        assert switches.may_push(tx, "default", "qbo", "payments") is False
        assert switches.may_push(tx, "default", "qbo", "vendors") is True
    assert [asked for asked, is_on in ask.items() if not is_on] == [("ar", "push"), ("ar", "bidirectional")]


def test_what_both_modules_need_goes_off_with_the_second(connected, switch, off, transaction):
    switch("ar", "push", False)
    switch("ap", "push", False)
    assert off() == {"push invoices", "push bills", *(f"push {name}" for name in SHARED)}
    with transaction("*") as tx:
        assert switches.connections_on(tx, "push") == ["theirs", "xero"]
        assert switches.connections_on(tx, "pull") == ["qbo", "theirs", "xero"]


def test_all_and_bidirectional_are_all_of_them_and_one_can_be_switched_on_again(connected, switch, off):
    assert len(switch("all", "bidirectional", False)) == 4
    assert len(off()) == 2 * (2 + len(SHARED))
    assert switch("ap", "pull", True) == [("ap", "pull")]
    assert off() == {"pull invoices", "push invoices", "push bills", *(f"push {name}" for name in SHARED)}
    assert len(switch("all", "bidirectional", True)) == 3
    assert off() == set()


def test_a_row_that_says_all_is_understood_and_taken_apart(connected, switch, off, transaction):
    with transaction() as tx:
        tx.execute(
            "insert into sync.switches (tenant_id, connection, module, direction, reason, switched_by) "
            "values ('default', 'qbo', 'all', 'bidirectional', 'by hand', 'bob')"
        )
    assert len(off()) == 2 * (2 + len(SHARED))
    switch("ar", "bidirectional", True)
    assert off() == {"pull bills", "push bills"}
    with transaction() as tx:
        rows = switches.read_all(tx, "default")
    assert [(s.module, s.direction, s.reason, s.switched_by) for s in rows] == [
        ("ap", "pull", "by hand", "bob"),
        ("ap", "push", "by hand", "bob"),
    ]


def test_maintenance_stops_all_pushing_of_the_tenant_and_no_pulling(connected, maintain, off, switch, transaction):
    switch("ar", "pull", False)
    assert (maintain(True), maintain(True)) == (True, False)
    everything = {"push invoices", "push bills", *(f"push {name}" for name in SHARED)}
    assert off() == everything | {"pull invoices"}
    assert off("xero") == everything
    assert off("theirs", "other") == set()
    with transaction("*") as tx:
        assert switches.connections_on(tx, "push") == ["theirs"]
    switch("all", "push", True)
    assert off("xero") == everything
    assert (maintain(False), maintain(False)) == (True, False)
    assert off() == {"pull invoices"}


def test_every_change_is_audited_and_what_changes_nothing_is_not(connected, switch, maintain, transaction):
    switch("ar", "push", False)
    assert switch("ar", "push", False) == []
    switch("all", "push", True, reason="done")
    maintain(True)
    with transaction() as tx:
        told = [
            (e["action"], e["connection"], e["actor"], json.loads(e["detail"])) for e in audit.entries(tx, "default")
        ]
        assert audit.verify(tx, "default") == []
    assert told == [
        ("maintenance.on", None, "ann", {"reason": "upgrade"}),
        ("switch.on", "qbo", "ann", {"switched": ["ar push"], "reason": "done"}),
        ("switch.off", "qbo", "ann", {"switched": ["ar push"], "reason": "month end"}),
    ]


def test_tenants_do_not_see_each_others_switches(connected, switch, transaction):
    switch("all", "push", False)
    with transaction("other") as tx:
        assert switches.read_all(tx, "default") == []
        assert switches.is_on(tx, "default", "qbo", "ar", "push") is True


def test_an_edit_of_what_is_switched_off_wakes_nobody(connected, switch, maintain, transaction):
    def due() -> list[str]:
        with transaction("*") as tx:
            return due_work.partitions_to_push(tx, 10)

    with transaction() as tx:
        (customer,) = tx.execute(
            "insert into ledger.customers (name, currency, connection) values ('Ann', 'USD', 'qbo') returning ledger_id"
        ).fetchone()
    assert due() == ["qbo"]
    switch("ar", "push", False)
    assert due() == []
    with transaction() as tx:
        tx.execute("insert into ledger.items (name, kind, connection) values ('Tea', 'service', 'qbo')")
    assert due() == ["qbo"]
    maintain(True)
    assert due() == []
    maintain(False)
    switch("ar", "push", True)
    with transaction() as tx:
        tx.execute(
            "update sync.edits set looked_at = now() where entity <> 'customers' or ledger_id <> %s", (customer,)
        )
    assert due() == ["qbo"]
