"""The plain big company: right size, right balances, the same each time, chunk by chunk."""

import json
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from sandbox.load_volume import main
from sandbox.quickbooks.volume import CUSTOMERS, INVOICES_PER_CHUNK, ITEMS, build_volume


def everything(chunks):
    objects = defaultdict(list)
    for chunk in chunks:
        assert sum(len(each) for each in chunk.values()) <= max(INVOICES_PER_CHUNK, CUSTOMERS + 50)
        for entity, wires in chunk.items():
            objects[entity] += wires
    return objects


def test_balances_follow_from_the_invoices():
    objects = everything(build_volume(2500))

    own = defaultdict(Decimal)
    for invoice in objects["Invoice"]:
        lines = [line for line in invoice["Line"] if line["DetailType"] == "SalesItemLineDetail"]
        assert len(lines) == 5
        assert invoice["TotalAmt"] == invoice["Balance"] == sum(line["Amount"] for line in lines)
        for line in lines:
            detail = line["SalesItemLineDetail"]
            assert line["Amount"] == detail["Qty"] * detail["UnitPrice"]
        own[invoice["CustomerRef"]["value"]] += invoice["Balance"]
    assert {c["Id"]: c["Balance"] for c in objects["Customer"]} == {c["Id"]: own[c["Id"]] for c in objects["Customer"]}
    (receivable,) = [a for a in objects["Account"] if a["AccountType"] == "Accounts Receivable"]
    assert receivable["CurrentBalance"] == sum(own.values())
    assert (len(objects["Customer"]), len(objects["Item"])) == (CUSTOMERS, ITEMS)


def test_ids_and_numbers_are_unique_and_several_invoices_share_a_second():
    invoices = everything(build_volume(2500))["Invoice"]

    assert len({each["Id"] for each in invoices}) == len({each["DocNumber"] for each in invoices}) == 2500
    seconds = Counter(each["MetaData"]["LastUpdatedTime"] for each in invoices)
    assert set(seconds.values()) == {4}


def test_the_same_arguments_give_the_same_company_and_another_seed_another():
    first, again, other = (everything(build_volume(30, 2, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first["Invoice"] != other["Invoice"]


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 1)])
def test_a_company_of_nothing_is_refused(size, capsys):
    with pytest.raises(ValueError, match="expected at least one"):
        next(build_volume(*size))


def test_the_command_reports_an_unreachable_simulator(capsys):
    assert main(["--invoices", "1", "--base-url", "http://127.0.0.1:1"]) == 2
    assert "expected a running simulator" in capsys.readouterr().err


def test_chunks_are_plain_values_that_json_can_carry():
    for chunk in build_volume(3):
        json.dumps(chunk, default=str)
