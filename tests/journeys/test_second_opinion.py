"""The ageing, reckoned a second time by other means: pandas over what the simulator holds, sharing no code.

Five hundred companies made by chance, each loaded into the simulator and read back as raw state. That state is put
into the mirror as a pull stores it, without a sync of each, which would take minutes; that the ledger ages as the
mirror does is held on some of them that were synced whole.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
import requests

from ledger.reconcile import MODULES
from resources.connector import WireRecord
from resources.erps import erp_of
from resources.stores import ageing, documents, mirror
from tests.books import Books, open_services
from tests.conftest import NewDatabase
from tests.house import Simulator, prepare_database
from tests.small_company import a_customer, a_vendor, stamped

COMPANIES = 500
# So many are loaded into the simulator at once, apart by their parties.
TOGETHER = 50
SYNCED = 3
FIRST = date(2026, 1, 1)
KINDS = {
    "invoices": "Invoice",
    "credit_memos": "CreditMemo",
    "payments": "Payment",
    "bills": "Bill",
    "vendor_credits": "VendorCredit",
    "bill_payments": "BillPayment",
}
_as_json = msgspec.json.Encoder(decimal_format="number").encode


# -- companies ---------------------------------------------------------------------------------------------------------


def a_chance_company(chance: random.Random, number: int = 0) -> dict[str, list[dict[str, Any]]]:
    """A few parties with documents over seven months, some of them settled in part by payments and credits.

    Its ids are counted from `number`.
    """
    made: dict[str, list[dict[str, Any]]] = {"Customer": [], "Vendor": []}
    for side, party_kind, kinds in (
        ("CustomerRef", "Customer", ("Invoice", "CreditMemo", "Payment")),
        ("VendorRef", "Vendor", ("Bill", "VendorCredit", "BillPayment")),
    ):
        for _ in range(chance.randint(1, 3)):
            number += 1
            currency = chance.choice(["USD", "EUR"])
            builder = a_customer if party_kind == "Customer" else a_vendor
            made[party_kind].append(builder(number, CurrencyRef={"value": currency}))
            number = _documents(chance, made, kinds, {side: {"value": str(number)}}, currency, number)
    return made


def _documents(
    chance: random.Random,
    made: dict[str, list[dict[str, Any]]],
    kinds: Sequence[str],
    party: dict[str, Any],
    currency: str,
    number: int,
) -> int:
    owed, credit, payer = kinds
    money: dict[str, Any] = {"CurrencyRef": {"value": currency}}
    if currency != "USD":
        money["ExchangeRate"] = Decimal(chance.randint(80_000, 140_000)) / 100_000
    mine: list[dict[str, Any]] = []
    for kind in chance.choices([owed, owed, owed, credit], k=chance.randint(1, 6)):
        number += 1
        day = FIRST + timedelta(days=chance.randint(0, 210))
        total = Decimal(chance.randint(1, 500_000)) / 100
        row = stamped(number, **party, **money, TxnDate=day.isoformat(), TotalAmt=total, Line=[], Balance=total)
        if kind == owed and chance.random() < 0.8:
            row["DueDate"] = (day + timedelta(days=chance.randint(0, 120))).isoformat()
        if kind == "CreditMemo":
            row["RemainingCredit"] = total
        made.setdefault(kind, []).append(row)
        mine.append({"kind": kind, "row": row})
    for _ in range(chance.randint(0, 3)):
        number += 1
        applied, lines = Decimal(0), []
        for target in chance.sample(mine, k=min(len(mine), chance.randint(1, 3))):
            row = target["row"]
            part = (row["Balance"] * chance.choice([Decimal("0.25"), Decimal(1)])).quantize(Decimal("0.01"))
            if not part:
                continue
            row["Balance"] -= part
            if "RemainingCredit" in row:
                row["RemainingCredit"] -= part
            applied += part if target["kind"] == owed else -part
            lines.append({"Amount": part, "LinkedTxn": [{"TxnId": row["Id"], "TxnType": target["kind"]}]})
        rest = Decimal(chance.randint(0, 10_000)) / 100 if payer == "Payment" else Decimal(0)
        total = max(applied, Decimal(0)) + rest
        day = FIRST + timedelta(days=chance.randint(0, 240))
        more = {"UnappliedAmt": total - applied} if payer == "Payment" else {"PayType": "Check"}
        made.setdefault(payer, []).append(
            stamped(number, **party, **money, TxnDate=day.isoformat(), TotalAmt=total, Line=lines, **more)
        )
    return number


# -- the second opinion ------------------------------------------------------------------------------------------------


def aged_by_pandas(state: Mapping[str, Sequence[Mapping[str, Any]]], as_of: date, side: str) -> dict[tuple, tuple]:
    """(party, currency, bucket) -> (amount, home amount), from what the service holds."""
    owed, credit, payer = (
        ("Invoice", "CreditMemo", "Payment") if side == "ar" else ("Bill", "VendorCredit", "BillPayment")
    )
    party = "CustomerRef" if side == "ar" else "VendorRef"
    rows, lines = [], []
    for kind in (owed, credit, payer):
        for one in state.get(kind, []):
            rate = Decimal(str(one.get("ExchangeRate", 1)))
            base = {
                "kind": kind,
                "id": one["Id"],
                "party": one[party]["value"],
                "currency": one["CurrencyRef"]["value"],
                "rate": rate,
                "day": pd.Timestamp(one["TxnDate"]),
                "due": pd.Timestamp(one.get("DueDate") or one["TxnDate"]),
            }
            applied = Decimal(0)
            for line in one.get("Line", []) if kind == payer else []:
                target = line["LinkedTxn"][0]
                amount = Decimal(str(line["Amount"]))
                applied += amount if target["TxnType"] == owed else -amount
                lines.append(
                    (
                        kind,
                        one["Id"],
                        base["day"],
                        target["TxnType"],
                        target["TxnId"],
                        amount,
                        target["TxnType"] == owed,
                    )
                )
            total = Decimal(str(one["TotalAmt"]))
            left = {
                owed: lambda one=one: Decimal(str(one["Balance"])),
                credit: lambda one=one: -Decimal(str(one.get("RemainingCredit", one["Balance"]))),
                payer: lambda total=total, applied=applied: -(total - applied),
            }[kind]()
            rows.append({**base, "left": left})
    if not rows:
        return {}
    table = pd.DataFrame(rows).set_index(["kind", "id"])
    cut = pd.Timestamp(as_of)
    days = table["day"].to_dict()
    back: dict[tuple[str, str], Decimal] = {}
    for payer_kind, payer_id, paid_on, kind, key, amount, is_owed in lines:
        signed = amount if is_owed else -amount
        if paid_on > cut:
            back[kind, key] = back.get((kind, key), Decimal(0)) + signed
        elif days[kind, key] > cut:
            # It was not applied yet: the payment had it left, and what is left of a payment counts negative.
            back[payer_kind, payer_id] = back.get((payer_kind, payer_id), Decimal(0)) - signed
    table["left"] = [left + back.get(key, Decimal(0)) for key, left in table["left"].items()]
    table = table[table["day"] <= cut]
    table = table[table["left"] != 0].copy()
    if table.empty:
        return {}
    late = (cut - table["due"]).dt.days
    table["bucket"] = pd.cut(
        late, [-100_000, 0, 30, 60, 90, 100_000], labels=["current", "1-30", "31-60", "61-90", "over 90"]
    ).astype(str)
    table["home"] = [
        (left * rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
        if left * rate >= 0
        else -((-left * rate).quantize(Decimal("0.01"), ROUND_HALF_UP))
        for left, rate in zip(table["left"], table["rate"], strict=True)
    ]
    grouped = table.groupby(["party", "currency", "bucket"])[["left", "home"]].agg(lambda some: sum(some, Decimal(0)))
    return {key: (row["left"], row["home"]) for key, row in grouped.iterrows()}


# -- both --------------------------------------------------------------------------------------------------------------


def ours(books: Books, connection: str, book: str, as_of: date, side: str) -> dict[tuple, tuple]:
    with books.services.db.transaction(books.tenant) as tx:
        found = ageing.ageing(tx, connection, MODULES[side], book, as_of, home_currency="USD")
    return {(a.party_external_id, a.currency, a.bucket): (a.amount, a.home_amount) for a in found}


def test_pandas_ages_500_companies_to_the_same_cent(new_database: NewDatabase, simulator: Simulator, tmp_path: Path):
    database = new_database(prepare_database)
    mappings = erp_of("quickbooks").mappings()
    compared = 0
    with open_services(database.url(), tmp_path) as services:
        books = Books(services, database, simulator, tmp_path)
        for first in range(0, COMPANIES, TOGETHER):
            chance = random.Random(first)
            companies = [a_chance_company(chance, 1000 * number) for number in range(first, first + TOGETHER)]
            state = _state_of(simulator, _merged(companies))
            as_of = FIRST + timedelta(days=chance.randint(30, 260))
            whose = {"tenant": books.tenant, "connection": f"companies_{first}"}
            with services.db.transaction(books.tenant) as tx:
                for shape in (shape for module in MODULES.values() for shape in documents.shapes_of(module)):
                    rows = state[KINDS[shape.entity]]
                    records = [WireRecord(row["Id"], row["SyncToken"], None, row) for row in rows]
                    mirror.store(tx, **whose, entity=shape.entity, records=records, run_id=None)
                    assert documents.keep_up(tx, **whose, shape=shape, mapping=mappings[shape.entity])
            for side in MODULES:
                theirs = by_company(aged_by_pandas(state, as_of, side))
                found = by_company(ours(books, whose["connection"], "mirror", as_of, side))
                for number in range(first, first + TOGETHER):
                    assert found.get(number, {}) == theirs.get(number, {}), (number, side, as_of)
                    compared += len(found.get(number, {}))
    assert compared > 5 * COMPANIES


def by_company(aged: Mapping[tuple, tuple]) -> dict[int, dict[tuple, tuple]]:
    """Taken apart by company, whose parties are numbered from a thousand of its own."""
    found: dict[int, dict[tuple, tuple]] = {}
    for key, amounts in aged.items():
        found.setdefault(int(key[0]) // 1000, {})[key] = amounts
    return found


def _merged(companies: Sequence[Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    merged: dict[str, list[Any]] = {}
    for company in companies:
        for kind, rows in company.items():
            merged.setdefault(kind, []).extend(rows)
    return merged


@pytest.mark.parametrize("seed", range(SYNCED))
def test_the_ledger_ages_as_the_mirror_and_pandas_do(books: Books, seed: int):
    books.load(a_chance_company(random.Random(10_000 + seed)))
    books.sync("full")
    mappings = erp_of("quickbooks").mappings()
    with books.services.db.transaction(books.tenant) as tx:
        for shape in (shape for module in MODULES.values() for shape in documents.shapes_of(module)):
            assert documents.keep_up(
                tx, tenant=books.tenant, connection=books.name, shape=shape, mapping=mappings[shape.entity]
            ) == bool(books.objects(KINDS[shape.entity]))

    state = {kind: _raw(books.simulator, kind) for kind in KINDS.values()}
    for day in (90, 180, 300):
        as_of = FIRST + timedelta(days=day)
        for side in MODULES:
            found = aged_by_pandas(state, as_of, side)
            assert ours(books, books.name, "mirror", as_of, side) == found
            assert ours(books, books.name, "ledger", as_of, side) == found


def _state_of(simulator: Simulator, company: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Load a company and read back what the simulator holds of it, amounts exact."""
    simulator.post("reset", {"seed": "empty"})
    answer = requests.post(
        f"{simulator.base_url}/_sandbox/load",
        data=_as_json(company),
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    assert answer.ok, answer.text[:500]
    found = requests.get(f"{simulator.base_url}/_sandbox/state", timeout=60)
    return json.loads(found.text, parse_float=Decimal)


def _raw(simulator: Simulator, kind: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{simulator.base_url}/_sandbox/state", params={"entity": kind}, timeout=60)
    return json.loads(answer.text, parse_float=Decimal)[kind]
