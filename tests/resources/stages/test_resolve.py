"""A person decides a conflict: the ledger says it, the next push brings it over there, and both sides are quiet."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from ledger.policies import Policy, Side
from resources.errors import ErrorKind, TieoutError
from resources.stages.deciding import Decided, Decision
from resources.stages.resolve import check, conflict_transaction, decide_in, resolve
from resources.stores import audit, conflicts, policies, records
from resources.stores.conflicts import Conflict
from tests.books import Books, changed
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_sign_in import due_pushes, wait_until_somebody_waits
from tests.small_company import a_company, a_line, an_invoice, an_item

ANNA = "anna"


@pytest.fixture
def company(books: Books) -> Books:
    """One customer, one item, one invoice of two lines, synced."""
    company = a_company(1)
    lines = [a_line("60.00", 1, Description="first"), a_line("40.00", 2, Description="second")]
    company["Invoice"] = [an_invoice(500, amount="100.00", Line=lines)]
    books.load(company)
    books.sync()
    return books


def ledger_id(company: Books, entity: str = "invoices", external_id: str = "500") -> int:
    return company.ledger_row(entity, external_id)["ledger_id"]


def open_conflicts(company: Books) -> list[Conflict]:
    with company.services.db.transaction(company.tenant) as tx:
        return conflicts.list_open(tx, company.name)


def only_conflict(company: Books) -> Conflict:
    (found,) = open_conflicts(company)
    return found


def decide(company: Books, **said) -> Decided:
    return resolve(company.services, only_conflict(company).conflict_id, Decision(by=ANNA, **said))


def there(company: Books, external_id: str = "500") -> dict:
    return next(i for i in company.objects("Invoice") if i["Id"] == external_id)


def set_policy(company: Books, policy: Policy, *, entity: str = "invoices") -> None:
    with company.services.db.transaction(company.tenant) as tx:
        policies.put(tx, tenant=company.tenant, entity=entity, field="", policy=policy, by=ANNA)


def is_quiet(company: Books) -> bool:
    company.sync()
    report = company.push()
    return not report.pushed and not report.held and not changed(company.sync()) and not open_conflicts(company)


@pytest.fixture
def two_notes(company: Books, writer: LedgerWriter) -> Books:
    """The same note written on both sides, and another field changed on each."""
    writer.update("invoices", ledger_id(company), private_note="ours", memo="ours alone")
    company.edit("update", "Invoice", "500", PrivateNote="theirs", PONumber="theirs alone")
    company.sync()
    return company


def test_what_both_agree_on_and_names_what_the_ledger_lacks_keeps_no_other_conflict_from_being_settled(
    company: Books, writer: LedgerWriter
):
    first, second = a_line("10.00") | {"Amount": 10}, a_line("100.00", item="91") | {"Amount": 100}
    company.edit("create", "Invoice", CustomerRef={"value": "1"}, Line=[first], DocNumber="B-1")
    company.sync()
    other = next(i for i in company.ledger_ids("invoices") if i != "500")
    company.load({"Item": [an_item(91)]})
    for external_id, line in (("500", second), (other, first)):
        writer.update("invoices", ledger_id(company, external_id=external_id), private_note="ours")
        company.edit("update", "Invoice", external_id, PrivateNote="theirs", Line=[line])
    company.sync(ledger_entities=["invoices"])
    for external_id in ("500", other):
        writer.update("invoices", ledger_id(company, external_id=external_id), private_note="theirs")

    (left,) = check(company.services, company.name)

    assert left.external_id == "500"
    assert "found a reference to items/91" in left.says
    company.sync("full")
    decide(company, keep=Side.THEIRS)
    assert is_quiet(company)


def test_what_can_no_longer_be_read_there_and_what_is_bound_elsewhere_keep_no_other_conflict_from_being_settled(
    company: Books, writer: LedgerWriter
):
    for name in ("Twin Ltd", "TWIN ltd"):
        writer.customer(name)
    made = company.edit("create", "Customer", DisplayName="Twin Ltd")
    company.sync()
    asked = {one.says for one in open_conflicts(company)}
    writer.update("invoices", ledger_id(company), private_note="ours")
    company.edit("update", "Invoice", "500", PrivateNote="theirs")
    company.load({"Customer": [made | {"SyncToken": "7", "Taxable": "perhaps"}]})
    company.sync("full")
    row, bound_by_hand = ledger_id(company), "update sync.bindings set external_id = %s where entity = 'invoices'"
    company.change(bound_by_hand, "501")
    writer.update("invoices", row, private_note="theirs")
    (told,) = [one for one in check(company.services, company.name) if one.entity == "invoices"]
    assert told.says == "not settled: found that it is 501 already, expected --separate"
    assert [f["name"] for f in told.fields] == ["private_note"]
    company.change(bound_by_hand, "500")
    writer.update("invoices", row, memo="again")

    one, _ = check(company.services, company.name)

    with pytest.raises(TieoutError, match="perhaps") as refused:
        resolve(company.services, one.conflict_id, Decision(by=ANNA, keep=Side.OURS))
    assert refused.value.kind is ErrorKind.VALIDATION
    company.load({"Customer": [made | {"SyncToken": "8"}]})
    company.sync("full")
    assert {still.says for still in check(company.services, company.name)} == asked
    resolve(company.services, one.conflict_id, Decision(by=ANNA, keep=Side.OURS))
    assert company.ledger_row("customers", made["Id"])["ledger_id"] == one.ledger_id


@pytest.mark.parametrize("keep", Side)
def test_keeping_a_side_is_on_both_sides_after_a_push(two_notes, keep):
    decided = decide(two_notes, keep=keep)
    two_notes.push()

    here, over_there = two_notes.ledger_row("invoices", "500"), there(two_notes)
    assert decided.is_to_be_pushed
    assert (here["private_note"], over_there["PrivateNote"]) == (keep, keep)
    assert (here["memo"], over_there["CustomerMemo"]["value"]) == ("ours alone", "ours alone")
    assert (here["po_number"], over_there["PONumber"]) == ("theirs alone", "theirs alone")
    assert is_quiet(two_notes)


def test_the_row_is_signed_by_who_decided_and_the_audit_says_what(two_notes):
    conflict = only_conflict(two_notes)

    decide(two_notes, keep=Side.OURS)

    assert two_notes.ledger_row("invoices", "500")["changed_by"] == ANNA
    with two_notes.services.db.transaction(two_notes.tenant) as tx:
        entry = audit.entries(tx, two_notes.tenant, limit=1)[0]
        closed = conflicts.get(tx, conflict.conflict_id)
    assert (entry["actor"], entry["action"], entry["external_id"]) == (ANNA, "conflict.resolve", "500")
    assert json.loads(entry["detail"])["decision"] == {"keep": "ours"}
    assert (closed.state, closed.ended_by, closed.resolution) == ("resolved", ANNA, {"keep": "ours"})


def test_field_by_field(company, writer):
    writer.update("invoices", ledger_id(company), private_note="ours", po_number="ours")
    company.edit("update", "Invoice", "500", PrivateNote="theirs", PONumber="theirs")
    company.sync()

    decide(company, choices={"private_note": Side.OURS, "po_number": Side.THEIRS})
    company.push()

    row = company.ledger_row("invoices", "500")
    assert (row["private_note"], row["po_number"]) == ("ours", "theirs")
    assert (there(company)["PrivateNote"], there(company)["PONumber"]) == ("ours", "theirs")
    assert is_quiet(company)


def test_two_totals_are_decided_with_their_lines_and_rows_stay(company, writer):
    parts = company.rows("select part_id from ledger.invoice_lines order by position")
    with writer.transaction() as tx:
        tx.execute("update ledger.invoice_lines set amount = 80 where position = 1")
        tx.execute("update ledger.invoices set net_amount = 120, total_amount = 120, open_amount = 120")
    held = there(company)["Line"]
    held[1]["Amount"] = 70
    company.edit("update", "Invoice", "500", Line=[line for line in held if "Id" in line])
    company.sync()
    assert {f["name"] for f in only_conflict(company).fields} == {"net_amount", "total_amount"}

    decide(company, choices={"total_amount": Side.OURS})
    company.push()

    assert Decimal(str(there(company)["TotalAmt"])) == 120
    lines = company.rows("select part_id, amount from ledger.invoice_lines order by position")
    assert [line["amount"] for line in lines] == [80, 40]
    assert [line["part_id"] for line in lines] == [part["part_id"] for part in parts]
    assert is_quiet(company)


@pytest.mark.parametrize("who", ["here", "there"])
def test_what_was_shown_must_still_be_so(two_notes, who):
    conflict = only_conflict(two_notes)
    if who == "here":
        LedgerWriter(two_notes, "bo").update("invoices", ledger_id(two_notes), memo="again")
    else:
        two_notes.edit("update", "Invoice", "500", PONumber="again")
        two_notes.sync()
        # What is shown follows the ERP; whoever saw it before decides about something else.
        two_notes.change("update sync.conflicts set version_token = '1' where conflict_id = %s", conflict.conflict_id)

    with pytest.raises(TieoutError) as refused:
        decide(two_notes, keep=Side.OURS)

    assert refused.value.kind is ErrorKind.CONFLICT
    said = "by bo" if who == "here" else "version 2 of the ERP's record (version 1 was shown)"
    assert said in str(refused.value)
    assert only_conflict(two_notes).conflict_id == conflict.conflict_id


def test_a_conflict_is_decided_once(two_notes):
    conflict = only_conflict(two_notes)
    decide(two_notes, keep=Side.OURS)

    with pytest.raises(TieoutError, match="a conflict that is resolved by anna"):
        resolve(two_notes.services, conflict.conflict_id, Decision(by="bo", keep=Side.THEIRS))


@pytest.mark.parametrize(
    ("said", "error"),
    [
        pytest.param({}, "no choice for private_note", id="nothing"),
        pytest.param({"choices": {"colour": Side.OURS}}, "a choice for colour", id="no field"),
        pytest.param({"separate": True}, "expected a possible duplicate", id="separate"),
    ],
)
def test_a_decision_that_decides_nothing_changes_nothing(two_notes, said, error):
    before = two_notes.ledger_row("invoices", "500")

    with pytest.raises(TieoutError, match=error):
        decide(two_notes, **said)

    assert two_notes.ledger_row("invoices", "500") == before
    assert len(open_conflicts(two_notes)) == 1


def test_a_record_that_is_gone_there_is_made_again(company, writer):
    writer.update("invoices", ledger_id(company), memo="still needed")
    company.edit("delete", "Invoice", "500")
    company.sync()
    assert only_conflict(company).kind == "delete_conflict"

    decide(company, keep=Side.OURS)
    company.push()

    (made,) = company.objects("Invoice")
    assert made["Id"] != "500"
    assert made["CustomerMemo"]["value"] == "still needed"
    assert company.ledger_row("invoices", made["Id"])["ledger_id"]
    assert is_quiet(company)


def test_a_record_that_is_gone_there_may_go_here_too(company, writer):
    writer.update("invoices", ledger_id(company), memo="not needed")
    company.edit("delete", "Invoice", "500")
    company.sync()

    decided = decide(company, keep=Side.THEIRS)

    assert decided.record is None and not decided.is_to_be_pushed
    assert company.ledger_row("invoices", "500")["is_deleted"]
    assert is_quiet(company)


@pytest.mark.parametrize("keep", Side)
def test_a_record_deleted_here_and_changed_there_is_decided_either_way(company, writer, keep):
    writer.update("invoices", ledger_id(company), is_deleted=True)
    company.edit("update", "Invoice", "500", PONumber="theirs")
    company.sync()

    decide(company, keep=keep)
    company.push()

    assert company.ledger_row("invoices", "500")["is_deleted"] is (keep is Side.OURS)
    assert len(company.objects("Invoice")) == (0 if keep is Side.OURS else 1)
    assert is_quiet(company)


def two_customers(company: Books, writer: LedgerWriter) -> int:
    """The same name entered on both sides, with another e-mail address on each."""
    here = writer.customer("Lund & Sons", email="a@lund.example")
    company.edit("create", "Customer", DisplayName="Lund & Sons", PrimaryEmailAddr={"Address": "b@lund.example"})
    company.sync()
    return here


def test_a_possible_duplicate_may_be_one_record(company, writer):
    here = two_customers(company, writer)
    assert only_conflict(company).kind == "possible_duplicate"

    decide(company, keep=Side.OURS)
    company.push()

    (found,) = [c for c in company.objects("Customer") if c["DisplayName"] == "Lund & Sons"]
    assert found["PrimaryEmailAddr"]["Address"] == "a@lund.example"
    assert company.ledger_row("customers", found["Id"])["ledger_id"] == here
    assert is_quiet(company)


def test_a_possible_duplicate_may_be_two_records(company, writer):
    here = two_customers(company, writer)

    decided = decide(company, separate=True)
    writer.update("customers", here, name="Lund & Sons Ltd")
    company.push()

    names = {c["DisplayName"]: c["Id"] for c in company.objects("Customer")}
    assert decided.is_to_be_pushed
    assert company.ledger_row("customers", names["Lund & Sons Ltd"])["ledger_id"] == here
    assert company.ledger_row("customers", names["Lund & Sons"])["ledger_id"] != here
    assert is_quiet(company)


def test_a_second_one_of_that_name_is_asked_about_and_neither_is_lost(company, writer):
    here = two_customers(company, writer)
    company.edit("create", "Customer", DisplayName="ＬＵＮＤ & Sons", PrimaryEmailAddr={"Address": "a@lund.example"})
    company.sync()
    first, second = only_conflict(company).candidates

    decide(company, is_record=second, keep=Side.OURS)
    company.push()

    assert company.ledger_row("customers", second)["ledger_id"] == here
    assert company.ledger_row("customers", first)["email"] == "b@lund.example"
    assert is_quiet(company)


def test_whether_it_is_one_record_is_never_decided_by_saying_nothing(company, writer):
    writer.customer("Lund & Sons", email="a@lund.example")
    company.edit("create", "Customer", DisplayName="LUND & Sons", PrimaryEmailAddr={"Address": "b@lund.example"})
    company.sync()
    check(company.services, company.name)

    with pytest.raises(TieoutError, match="no decision"):
        decide(company)
    assert only_conflict(company).kind == "possible_duplicate"


def test_an_edit_here_never_makes_a_possible_duplicate_one_record(company, writer):
    here = two_customers(company, writer)
    writer.update("customers", here, email="b@lund.example")

    (still,) = check(company.services, company.name)

    assert still.kind == "possible_duplicate"
    decide(company, keep=Side.OURS)
    assert is_quiet(company)


@pytest.fixture
def twin(company: Books, writer: LedgerWriter) -> Books:
    """An invoice that we made there, and a second one with its marker, as a request that arrived late leaves it."""
    item = company.ledger_row("items", "90")["ledger_id"]
    writer.invoice(ledger_id(company, "customers", "1"), "25.00", item, document_number="T-1")
    company.push()
    make_twin(company, "T-1b")
    company.sync()
    return company


def make_twin(company: Books, number: str) -> str:
    """Another invoice with the marker of T-1; gives its id."""
    made = next(i for i in company.objects("Invoice") if i.get("DocNumber") == "T-1")
    body = {name: made[name] for name in ("CustomerRef", "PrivateNote", "TxnDate")}
    lines = [{k: v for k, v in line.items() if k != "Id"} for line in made["Line"] if "Id" in line]
    company.edit("create", "Invoice", **body, Line=lines, DocNumber=number)
    return next(i["Id"] for i in company.objects("Invoice") if i.get("DocNumber") == number)


def twins(company: Books) -> dict[str, Decimal]:
    return {
        i["DocNumber"]: Decimal(str(i["TotalAmt"]))
        for i in company.objects("Invoice")
        if i.get("DocNumber", "").startswith("T-")
    }


@pytest.mark.parametrize(("said", "second"), [({"keep": Side.OURS}, 0), ({"separate": True}, 25)], ids=["void", "keep"])
def test_a_twin_is_voided_there_or_becomes_a_record_of_its_own(twin, said, second):
    assert only_conflict(twin).kind == "possible_duplicate"
    with pytest.raises(TieoutError, match="no decision about the twin"):
        decide(twin, keep=Side.THEIRS)
    LedgerWriter(twin).update("invoices", only_conflict(twin).ledger_id, memo="held meanwhile")
    twin.push()
    assert due_pushes(twin) == []
    assert check(twin.services, twin.name)

    decide(twin, **said)
    assert due_pushes(twin) == [twin.name]
    twin.push()

    assert numbered(twin, "T-1")["CustomerMemo"]["value"] == "held meanwhile"
    assert twins(twin) == {"T-1": 25, "T-1b": second}
    assert twin.value("select count(*) from ledger.invoices where document_number like 'T-%%'") == 2
    assert is_quiet(twin)


@pytest.mark.parametrize(("said", "others"), [({"keep": Side.OURS}, 0), ({"separate": True}, 25)], ids=["void", "keep"])
def test_several_twins_are_all_shown_and_decided_together(twin, said, others):
    ids = [next(i["Id"] for i in twin.objects("Invoice") if i.get("DocNumber") == "T-1b")]
    for number in ("T-1c", "T-1d"):
        ids.append(make_twin(twin, number))
        twin.sync()
    twin.edit("update", "Invoice", ids[0], CustomerMemo={"value": "seen"})
    twin.sync()

    shown = only_conflict(twin)
    assert shown.twins == ids
    assert all(f"'{one}' there" in shown.says for one in ids)

    twin.edit("delete", "Invoice", ids[0])
    twin.sync()
    assert only_conflict(twin).twins == ids[1:]

    decide(twin, **said)
    twin.push()
    assert twins(twin) == {"T-1": 25, "T-1c": others, "T-1d": others}
    assert twin.value("select count(*) from ledger.invoices where document_number like 'T-%%' and not is_deleted") == 3
    assert is_quiet(twin)


def test_twins_that_are_deleted_there_ask_nobody_any_more(twin):
    twin.edit("delete", "Invoice", next(i["Id"] for i in twin.objects("Invoice") if i.get("DocNumber") == "T-1b"))
    twin.sync()
    assert not twin.rows("select * from sync.conflicts where state = 'open'")
    assert is_quiet(twin)


def test_whoever_decides_about_twins_while_some_are_deleted_there_ends_no_sync_and_is_not_ended(twin):
    row, conflict_id = only_conflict(twin).ledger_id, only_conflict(twin).conflict_id
    twin.edit("delete", "Invoice", only_conflict(twin).twins[0])

    with ThreadPoolExecutor(1) as beside:
        with conflict_transaction(twin.services, conflict_id) as tx:
            # In the order in which a decision locks them.
            records.lock(tx, "invoices", [row])
            syncing = beside.submit(twin.sync)
            wait_until_somebody_waits(twin)
            conflicts.get(tx, conflict_id, is_locked=True)
        syncing.result()

    assert not open_conflicts(twin)
    assert is_quiet(twin)


def test_what_is_decided_about_twins_while_a_sync_waits_is_asked_by_nobody_again(twin):
    make_twin(twin, "T-1c")
    twin.sync()
    twin.edit("delete", "Invoice", only_conflict(twin).twins[0])

    decide_while_a_sync_waits(twin, separate=True)

    assert not open_conflicts(twin)
    assert is_quiet(twin)


def test_the_check_settles_what_an_edit_here_made_agree(two_notes):
    LedgerWriter(two_notes).update("invoices", ledger_id(two_notes), private_note="theirs")

    still = check(two_notes.services, two_notes.name)

    assert still == []
    two_notes.push()
    assert there(two_notes)["CustomerMemo"]["value"] == "ours alone"
    assert is_quiet(two_notes)


def test_the_check_shows_what_an_edit_here_made_of_it_and_writes_nothing_twice(two_notes):
    before = only_conflict(two_notes)
    assert check(two_notes.services, two_notes.name)[0].changed_at == before.changed_at
    LedgerWriter(two_notes).update("invoices", ledger_id(two_notes), private_note="ours, better")

    (still,) = check(two_notes.services, two_notes.name)

    assert still.fields == [{"name": "private_note", "base": "", "ours": "ours, better", "theirs": "theirs"}]
    assert still.changed_at > before.changed_at
    assert check(two_notes.services, two_notes.name)[0].changed_at == still.changed_at
    decide(two_notes, keep=Side.OURS)
    two_notes.push()
    assert there(two_notes)["PrivateNote"] == "ours, better"


@pytest.fixture
def other_total(company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch) -> Books:
    """An invoice whose making was in doubt; both sides wrote a note meanwhile, and it has another total there."""
    customer, item = ledger_id(company, "customers", "1"), ledger_id(company, "items", "90")
    row = writer.invoice(customer, "30.00", item, document_number="D-1")
    company.push_and_die(monkeypatch)
    made = numbered(company, "D-1")
    writer.update("invoices", row, private_note="ours")
    lines = [line | {"Amount": 31} for line in made["Line"] if "Id" in line]
    note = made["PrivateNote"].replace("[", "theirs [")
    company.edit("update", "Invoice", made["Id"], Line=lines, PrivateNote=note)
    company.sync()
    return company


def numbered(company: Books, number: str) -> dict:
    return next(i for i in company.objects("Invoice") if i.get("DocNumber") == number)


def asked_about(company: Books) -> set[str]:
    return {f["name"] for f in only_conflict(company).fields}


def test_another_total_is_asked_about_together_with_whatever_else_is_in_conflict(other_total):
    assert asked_about(other_total) == {"net_amount", "total_amount", "private_note"}
    # So it stays while either side moves on.
    company, made = other_total, numbered(other_total, "D-1")
    company.edit("update", "Invoice", made["Id"], PONumber="theirs alone")
    company.sync()
    assert asked_about(company) == {"net_amount", "total_amount", "private_note"}
    row = ledger_id(company, external_id=made["Id"])
    LedgerWriter(company).update("invoices", row, private_note="ours, better")
    check(company.services, company.name)
    assert asked_about(company) == {"net_amount", "total_amount", "private_note"}

    decide(company, choices={"private_note": Side.OURS, "total_amount": Side.THEIRS, "net_amount": Side.THEIRS})
    company.push()

    here, over_there = company.ledger_row("invoices", made["Id"]), numbered(company, "D-1")
    assert (here["private_note"], here["total_amount"], here["po_number"]) == ("ours, better", 31, "theirs alone")
    assert over_there["PrivateNote"].startswith("ours, better") and Decimal(str(over_there["TotalAmt"])) == 31
    assert is_quiet(company)


def test_another_total_stays_a_question_when_the_rest_is_settled(other_total):
    row = ledger_id(other_total, external_id=numbered(other_total, "D-1")["Id"])
    LedgerWriter(other_total).update("invoices", row, private_note="theirs")

    check(other_total.services, other_total.name)

    assert asked_about(other_total) == {"net_amount", "total_amount"}
    decide(other_total, keep=Side.OURS)
    other_total.push()
    assert Decimal(str(numbered(other_total, "D-1")["TotalAmt"])) == 30
    assert is_quiet(other_total)


def test_another_total_stays_a_question_when_ours_is_changed_and_put_back(other_total, writer):
    row = ledger_id(other_total, external_id=numbered(other_total, "D-1")["Id"])
    writer.update("invoices", row, private_note="theirs")
    for amount in (Decimal(32), Decimal(30)):
        writer.update_line("invoices", row, 1, amount=amount)
        writer.update("invoices", row, net_amount=amount, total_amount=amount, open_amount=amount)
        check(other_total.services, other_total.name)

    assert asked_about(other_total) == {"net_amount", "total_amount"}
    decide(other_total, keep=Side.OURS)
    other_total.push()
    assert Decimal(str(numbered(other_total, "D-1")["TotalAmt"])) == 30
    assert is_quiet(other_total)


def test_a_policy_decides_before_there_is_a_conflict(company, writer):
    set_policy(company, Policy.ERP_WINS, entity="")
    set_policy(company, Policy.LEDGER_WINS)
    writer.update("invoices", ledger_id(company), private_note="ours")
    company.edit("update", "Invoice", "500", PrivateNote="theirs")

    company.sync()
    company.push()

    assert open_conflicts(company) == []
    assert there(company)["PrivateNote"] == "ours"
    assert is_quiet(company)


def test_two_rows_of_ours_that_may_be_one_record_there_are_both_held(company, writer):
    first, second = writer.customer("Twin Ltd"), writer.customer("TWIN ltd")
    made = company.edit("create", "Customer", DisplayName="Twin Ltd")["Id"]
    company.sync()

    assert {c.ledger_id: c.candidates for c in open_conflicts(company)} == {first: [made], second: [made]}
    assert company.push().pushed == {}

    one, other = open_conflicts(company)
    resolve(company.services, one.conflict_id, Decision(by=ANNA, keep=Side.OURS))
    company.push()
    with pytest.raises(TieoutError, match=f"{made} is row {one.ledger_id} already"):
        resolve(company.services, other.conflict_id, Decision(by=ANNA, keep=Side.OURS))
    company.edit("update", "Customer", made, Notes="moved meanwhile")
    company.sync()
    resolve(company.services, other.conflict_id, Decision(by=ANNA, separate=True))
    writer.update("customers", other.ledger_id, name="Twin Brothers Ltd")
    company.push()

    assert len([c for c in company.objects("Customer") if c["DisplayName"].startswith("Twin")]) == 2
    assert company.ledger_row("customers", made)["ledger_id"] == one.ledger_id
    assert is_quiet(company)


def test_a_merge_that_waits_for_a_decision_is_on_the_base_that_was_decided(company: Books, writer: LedgerWriter):
    writer.update("invoices", ledger_id(company), private_note="ours")
    company.edit("update", "Invoice", "500", PrivateNote="theirs")
    company.sync()
    company.edit("update", "Invoice", "500", PrivateNote="")

    decide_while_a_sync_waits(company, keep=Side.THEIRS)

    # They emptied what was kept of theirs: a lone change of theirs.
    assert company.ledger_row("invoices", "500")["private_note"] == ""
    assert is_quiet(company)


def decide_while_a_sync_waits(company: Books, **said) -> None:
    """A decision that is committed once a sync waits for its row, which changes nothing of what was decided."""
    conflict_id, decision = only_conflict(company).conflict_id, Decision(by=ANNA, **said)
    syncing = threading.Thread(target=company.sync)
    with conflict_transaction(company.services, conflict_id) as tx:
        decide_in(company.services, tx, conflict_id, decision)
        conflicts.resolve(tx, conflict_id, by=ANNA, resolution=decision.as_json())
        closed = conflicts.get(tx, conflict_id)
        syncing.start()
        wait_until_somebody_waits(company)
    syncing.join()
    with conflict_transaction(company.services, conflict_id) as tx:
        assert conflicts.get(tx, conflict_id) == closed


def test_a_merge_that_waits_for_a_decision_who_is_who_takes_the_record_as_the_row_that_it_is(company, writer):
    here = two_customers(company, writer)
    company.edit("create", "Customer", DisplayName="ＬＵＮＤ & Sons", PrimaryEmailAddr={"Address": "a@lund.example"})
    company.sync()
    _, second = only_conflict(company).candidates
    company.edit("update", "Customer", second, PrimaryPhone={"FreeFormNumber": "77"})

    decide_while_a_sync_waits(company, is_record=second, keep=Side.OURS)

    row = company.ledger_row("customers", second)
    assert (row["ledger_id"], row["phone"]) == (here, "77")
    company.push()
    assert is_quiet(company)


@pytest.mark.parametrize("moves", ["here", "there"])
def test_a_policy_does_not_decide_what_was_open_before_it_was_set(two_notes: Books, writer: LedgerWriter, moves: str):
    set_policy(two_notes, Policy.ERP_WINS)

    if moves == "here":
        writer.update("invoices", ledger_id(two_notes), private_note="ours, seen and meant")
        check(two_notes.services, two_notes.name)
    else:
        two_notes.edit("update", "Invoice", "500", PrivateNote="theirs, seen and meant")
        two_notes.sync()

    assert [f["name"] for f in only_conflict(two_notes).fields] == ["private_note"]
    assert two_notes.ledger_row("invoices", "500")["private_note"].startswith("ours")


@pytest.mark.parametrize(
    ("written_by", "then"),
    [
        pytest.param("sync:qbo_test", ("theirs", 0), id="what the sync wrote is no change of ours"),
        pytest.param("sync:other", ("ours", 1), id="when it was changed in another company nobody knows"),
    ],
)
def test_the_newest_of_two_is_not_the_sync(
    company: Books, writer: LedgerWriter, written_by: str, then: tuple[str, int]
):
    set_policy(company, Policy.NEWEST_WINS)
    writer.update("invoices", ledger_id(company), private_note="ours")
    with company.database.connect("superuser") as clock:
        clock.execute("set session_replication_role = replica")
        clock.execute("update ledger.invoices set changed_at = changed_at - interval '1 hour'")
    company.edit("update", "Invoice", "500", PrivateNote="theirs")
    with writer.transaction() as tx:
        tx.execute("set local tieout.is_sync = 'on'")
        tx.execute("update ledger.invoices set po_number = 'x', changed_by = %s", (written_by,))

    company.sync()

    assert (company.ledger_row("invoices", "500")["private_note"], len(open_conflicts(company))) == then
