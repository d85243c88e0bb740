"""What stands before the accounting API: tokens, scopes, limits, Idempotency-Key; and snapshots and the file."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.erps import COMMON_ANSWERS
from sandbox.http import Request
from sandbox.persist import Journal
from sandbox.world import World
from sandbox.xero import wire
from sandbox.xero.app import Xero
from sandbox.xero.plug import TENANT_ID
from tests.sandbox.xero.company import Company, invoice

RECORDED = Path(__file__).parents[3].parent / "shared" / "reference" / "xero" / "recorded"
OTHER = "99999999-1111-4111-8111-111111111111"


@pytest.fixture
def company() -> Company:
    return Company()


@pytest.fixture
def app(company: Company) -> dict[str, str]:
    return company.bearer()


def put(company: Company, app: dict[str, str], name: str, key: str, path: str = "/Contacts", **more: str) -> Any:
    return company.send("PUT", path, {"Name": name}, {**app, "idempotency-key": key, **more})


# -- who may -----------------------------------------------------------------------------------------------------------


def test_a_wrong_token_an_expired_one_and_a_foreign_organisation_are_told_apart(company: Company, app: dict[str, str]):
    wrong = company.send("GET", "/Invoices", None, {"authorization": "Bearer nothing"})
    foreign = company.send("GET", "/Invoices", None, {**app, "xero-tenant-id": OTHER})
    company.later(1800)
    old = company.send("GET", "/Invoices", None, app)

    assert (wrong.status, wire.decode(wrong.body)["Detail"]) == (401, "AuthenticationUnsuccessful")
    assert (foreign.status, wire.decode(foreign.body)["detail"]) == (403, "AuthenticationUnsuccessful")
    assert (old.status, wire.decode(old.body)["Detail"]) == (401, "TokenExpired: token expired at 11/21/2026 12:30:00")


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.is_dir(), reason="the captured answers are not kept beside this checkout")
@pytest.mark.parametrize(
    ("capture", "path", "change"),
    [
        ("error_invalid_oauth2_request_token", "/Invoices", {"authorization": "Bearer x"}),
        ("error_invalid_tenant_header", "/Invoices", {"xero-tenant-id": OTHER}),
        ("error_expired_oauth2_token", "/Invoices", {}),
    ],
)
def test_refusals_have_the_printed_keys(company: Company, app: dict[str, str], capture: str, path: str, change: Any):
    if not change:
        company.later(1800)

    answer = company.send("GET", path, None, {**app, **change})

    printed = json.loads((RECORDED / f"{capture}.json").read_text())
    shown = wire.decode(answer.body)
    assert shown.keys() == printed.keys()
    status = "Status" if "Status" in printed else "status"
    assert answer.status == shown[status] == printed[status]


def test_a_token_needs_the_scope_of_what_it_asks_for(company: Company):
    event = company.erp.identity.consent("accounting.contacts.read", [TENANT_ID])
    grant = company.erp.identity._grants.grant("5AND80X0" + "0" * 20 + "CAFE", event, company.erp.identity._policy())
    app = {"authorization": "Bearer " + company.erp.identity._granted(grant, "")["access_token"]}

    assert company.send("GET", "/Contacts", None, app).status == 200
    refused = company.send("PUT", "/Contacts", {"Name": "A"}, app)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (403, 'Bearer error="insufficient_scope"')
    assert company.send("GET", "/Reports/TrialBalance", None, app).status == 403
    company.erp.options.turn({"missing_scope_status": 401, "scope_spelling": "insufficent_scope"})
    again = company.send("GET", "/Invoices", None, app)
    assert (again.status, again.headers["WWW-Authenticate"]) == (401, 'Bearer error="insufficent_scope"')
    company.erp.options.turn({"scopes": "ignored"})
    assert company.send("GET", "/Invoices", None, app).status == 200


def test_several_organisations_are_kept_apart(company: Company):
    company.load(Organisations=[{"OrganisationID": OTHER, "Name": "Second", "BaseCurrency": "NZD"}])
    app = company.bearer()
    company.send("PUT", "/Contacts", {"Name": "Here"}, app)
    company.send("PUT", "/Contacts", {"Name": "There"}, {**app, "xero-tenant-id": OTHER})

    names = [
        [each["Name"] for each in company.rows("/Contacts", xero_tenant_id=tenant)] for tenant in (TENANT_ID, OTHER)
    ]
    shown = wire.decode(company.erp.handle(Request("GET", "/connections", "", app)).body)

    assert names == [["Here"], ["There"]]
    assert [(each["tenantId"], each["tenantName"]) for each in shown] == [
        (TENANT_ID, "Sandbox Company"),
        (OTHER, "Second"),
    ]
    state = json.loads(b"".join(company.erp.state(f"{OTHER}/Contacts")))
    assert (state["tenantId"], state["Contacts"][0]["Name"]) == (OTHER, "There")


# -- limits ------------------------------------------------------------------------------------------------------------


def test_the_minute_is_counted_per_organisation_and_told_in_headers(company: Company, app: dict[str, str]):
    company.erp.options.turn({"limits_clock": "simulator"})
    first = company.send("GET", "/Contacts", None, app)
    for _ in range(59):
        company.send("GET", "/Contacts", None, app)
    over = company.send("GET", "/Contacts", None, app)

    assert (first.headers["X-MinLimit-Remaining"], first.headers["X-DayLimit-Remaining"]) == ("59", "999")
    assert first.headers["X-AppMinLimit-Remaining"] == "9999"
    assert (over.status, over.headers["X-Rate-Limit-Problem"], over.headers["Retry-After"]) == (429, "minute", "60")
    company.later(60)
    assert company.send("GET", "/Contacts", None, app).status == 200


def test_a_day_ends_after_its_calls(company: Company):
    company.erp.options.turn({"limits_clock": "simulator"})
    app = company.bearer()
    for _ in range(1000):
        company.later(1)
        assert company.send("GET", "/Currencies", None, app).status == 200
    over = company.send("GET", "/Contacts", None, app)

    assert (over.status, over.headers["X-Rate-Limit-Problem"]) == (429, "day")
    assert int(over.headers["Retry-After"]) > 80_000
    company.erp.options.turn({"day_limit": 5000})
    assert company.send("GET", "/Contacts", None, app).status == 200


def test_a_sixth_call_at_once_is_refused_without_a_time(company: Company, app: dict[str, str]):
    headers = {**app, "accept": "application/json", "xero-tenant-id": TENANT_ID}
    over = company.erp.handle(Request("GET", "/api.xro/2.0/Contacts", "", headers, in_flight=6))

    assert (over.status, over.headers["X-Rate-Limit-Problem"]) == (429, "concurrent")
    assert "Retry-After" not in over.headers


# -- Idempotency-Key ---------------------------------------------------------------------------------------------------


def test_a_known_key_repeats_the_first_answer_and_does_nothing(company: Company, app: dict[str, str]):
    first, second = (put(company, app, "Radio Teasel", "k1") for _ in range(2))

    assert (second.status, second.body) == (200, first.body)
    assert len(company.rows("/Contacts")) == 1
    assert [each.operation for each in company.world.effects.lines] == ["create", "replay"]


def test_a_key_is_the_apps_and_refuses_any_other_request(company: Company, app: dict[str, str]):
    company.load(Organisations=[{"OrganisationID": OTHER, "Name": "Second"}])
    app = company.bearer()
    put(company, app, "Radio Teasel", "k1")

    assert put(company, app, "Other", "k1").status == 400
    assert put(company, app, "Radio Teasel", "k1", "/Invoices").status == 400
    assert put(company, app, "Radio Teasel", "k1", **{"xero-tenant-id": OTHER}).status == 400
    assert len(company.rows("/Contacts")) == 1


def test_a_refused_request_is_remembered_too(company: Company, app: dict[str, str]):
    company.contact("Radio Teasel")
    first = put(company, app, "Radio Teasel", "k1")
    company.post(f"Contacts/{company.rows('/Contacts')[0]['ContactID']}", {"ContactStatus": "ARCHIVED"})

    assert (first.status, put(company, app, "Radio Teasel", "k1").body) == (400, first.body)
    company.erp.options.turn({"idempotency_errors": "forgotten"})
    company.contact("Second")
    assert put(company, app, "Second", "k2").status == 400
    company.post("Contacts", {"Name": "Second", "ContactStatus": "ARCHIVED"})
    assert put(company, app, "Second", "k2").status == 200


def test_a_key_lives_six_minutes_from_its_first_use_or_as_switched(company: Company, app: dict[str, str]):
    put(company, app, "Radio Teasel", "k1")
    company.later(200)
    assert put(company, app, "Radio Teasel", "k1").status == 200
    company.later(159)
    assert put(company, app, "Radio Teasel", "k1").status == 200
    company.later(1)
    assert put(company, app, "Radio Teasel", "k1").status == 400
    company.erp.options.turn({"idempotency_seconds": 1200})
    app = company.bearer()
    put(company, app, "Long", "k2")
    company.later(1199)
    assert put(company, app, "Long", "k2").status == 200


def test_a_part_refused_request_is_repeated_whole(company: Company, app: dict[str, str]):
    bodies = {"Contacts": [{"Name": "A"}, {}]}
    path, headers = "/Contacts?summarizeErrors=false", {**app, "idempotency-key": "k1"}

    first, second = (company.send("PUT", path, bodies, headers) for _ in range(2))

    assert first.body == second.body
    assert len(company.rows("/Contacts")) == 1


def test_a_key_is_ignored_on_reading_and_limited_in_length(company: Company, app: dict[str, str]):
    headers = {**app, "idempotency-key": "k1"}
    company.send("GET", "/Contacts", None, headers)

    assert put(company, app, "A", "k1").status == 200
    assert put(company, app, "B", "k" * 129).status == 400


# -- snapshots and the file --------------------------------------------------------------------------------------------


def test_a_snapshot_brings_everything_back_again_and_again(company: Company, app: dict[str, str]):
    key = company.contact()["ContactID"]
    company.invoice(key)
    before, kept = b"".join(company.erp.state(None)), company.erp.snapshot()
    for _ in range(2):
        made = company.invoice(key)
        company.pay(made["InvoiceID"], "10.00")
        company.erp.restore(kept)

        assert b"".join(company.erp.state(None)) == before
        assert company.rows('/Invoices?where=Status%3D%3D"AUTHORISED"')[0]["InvoiceNumber"] == "INV-0001"
        assert company.send("GET", "/Contacts", None, app).status == 200


def test_a_company_comes_back_from_its_file(tmp_path: Path):
    file = str(tmp_path / "xero.journal")
    company = Company()
    company.world = World(Journal(file))
    company.world.clock.set(now=None)
    company.erp = Xero(company.world, tenant_id=TENANT_ID)
    company.erp.reset("empty", 1)
    company.world.rewrite(company.erp)
    app, key = company.bearer(), company.contact()["ContactID"]
    made = company.invoice(key)
    company.send("PUT", f"/Invoices/{made['InvoiceID']}/Attachments/a.txt", b"hello")
    company.put("Items", {"Code": "GONE"})
    company.send("DELETE", "/Items/GONE")
    first = put(company, app, "Idempotent", "k1")
    state = b"".join(company.erp.state(None))
    company.world.commit()

    world = World(Journal(file))
    again = Xero(world, tenant_id=TENANT_ID)
    assert world.come_back(again)
    company.world, company.erp = world, again

    assert json.loads(b"".join(again.state(None))) == json.loads(state)
    assert put(company, app, "Idempotent", "k1").body == first.body
    assert company.send("GET", f"/Invoices/{made['InvoiceID']}/Attachments/a.txt", None, app).body == b"hello"
    assert company.invoice(key)["InvoiceID"] != made["InvoiceID"]
    assert again.tenants[TENANT_ID].books.by_app == {wire.decode(first.body)["Contacts"][0]["ContactID"]}


def test_every_common_answer_can_be_asked_for_by_name(company: Company):
    for name in COMMON_ANSWERS:
        assert company.erp.answer_named(name, Request("GET", "/")).status >= 200
    with pytest.raises(ValueError, match="no answer is called"):
        company.erp.answer_named("nonsense", Request("GET", "/"))


def test_an_edit_in_words_is_carried_out_in_the_organisation_it_names(company: Company):
    company.load(Organisations=[{"OrganisationID": OTHER, "Name": "Second"}])
    made = company.invoice(company.contact()["ContactID"])

    edit = company.erp.edit_request({"operation": "void", "entity": "Invoice", "id": made["InvoiceID"]})
    company.erp.handle(edit, authenticated=True)
    elsewhere = company.erp.edit_request(
        {"operation": "create", "entity": "Contacts", "body": {"Name": "There"}, "tenantId": OTHER}
    )
    company.erp.handle(elsewhere, authenticated=True)

    assert company.get("Invoices", made["InvoiceID"])["Status"] == "VOIDED"
    assert [each["Name"] for each in company.rows("/Contacts", xero_tenant_id=OTHER)] == ["There"]
    with pytest.raises(ValueError, match="there is no Invoice"):
        company.erp.edit_request({"operation": "void", "entity": "Invoice", "id": "1"})


def test_a_captured_answer_is_loaded_as_it_is_and_state_can_be_loaded_again(company: Company):
    key = company.contact()["ContactID"]
    company.put("Invoices", invoice(key))
    state = json.loads(b"".join(company.erp.state(None)))
    fresh = Company()

    fresh.load(**{name: rows if isinstance(rows, list) else [rows] for name, rows in state.items()})

    assert json.loads(b"".join(fresh.erp.state(None))) == state
    with pytest.raises(ValueError, match="no resource Nonsense"):
        fresh.load(Nonsense=[{}])


def test_an_effect_is_the_record_written_and_what_it_made_but_not_what_it_moved(company: Company):
    contact = company.put("Invoices", {**invoice(""), "Contact": {"Name": "New"}})["Contact"]["ContactID"]
    key = company.rows("/Invoices")[0]["InvoiceID"]
    company.pay(key, "40.00")
    company.post(f"Invoices/{key}", {"DueDate": "2027-01-01"})

    told = [(each.entity, each.operation, each.id) for each in company.world.effects.lines]
    payment_id = company.rows("/Payments")[0]["PaymentID"]
    assert sorted(told[:2]) == [("Contact", "create", contact), ("Invoice", "create", key)]
    assert told[2:] == [("Payment", "create", payment_id), ("Invoice", "update", key)]


def test_the_user_takes_every_app_off(company: Company, app: dict[str, str]):
    company.erp.disconnect()

    assert company.send("GET", "/Contacts", None, app).status == 401
    assert company.send("GET", "/Contacts", None, company.bearer()).status == 200
