"""Reading: filters, order, pages, shortened forms, what a delta does not show."""

from urllib.parse import quote

import pytest

from sandbox.http import Request
from sandbox.xero import wire
from tests.sandbox.xero.company import Company, invoice


@pytest.fixture
def company() -> Company:
    return Company()


def filled(company: Company, count: int = 5) -> list[str]:
    """The ids of invoices a minute apart, of alternating contacts, for 10, 20, 30 ..."""
    contacts = [company.contact(name)["ContactID"] for name in ("Bäckerei Ömer", "Zoo")]
    keys = []
    for number in range(1, count + 1):
        company.later()
        keys.append(company.invoice(contacts[number % 2], f"{number}0.00", Reference=f"R{number}")["InvoiceID"])
    return keys


def ids(company: Company, query: str, **headers: str) -> list[str]:
    return [each["InvoiceID"] for each in company.rows(f"/Invoices?{query}", **headers)]


def test_without_page_there_is_no_pagination_and_no_lines(company: Company):
    keys = filled(company)

    status, answer = company.call("GET", "/Invoices")

    assert status == 200
    assert "pagination" not in answer
    assert [each["InvoiceID"] for each in answer["Invoices"]] == keys
    assert all(each["LineItems"] == [] for each in answer["Invoices"])


def test_a_page_has_its_pagination_and_whole_records(company: Company):
    keys = filled(company)

    answer = company.call("GET", "/Invoices?page=2&pageSize=2")[1]

    assert answer["pagination"] == {"page": 2, "pageSize": 2, "pageCount": 3, "itemCount": 5}
    assert [each["InvoiceID"] for each in answer["Invoices"]] == keys[2:4]
    assert all(each["LineItems"] for each in answer["Invoices"])


@pytest.mark.parametrize(("asked", "size"), [("0", 1), ("1001", 1000), ("", 100), ("many", 100)])
def test_a_page_size_out_of_range_is_clamped(company: Company, asked: str, size: int):
    assert company.call("GET", f"/Invoices?page=1&pageSize={asked}")[1]["pagination"]["pageSize"] == size


def test_beyond_the_last_page_there_is_nothing_and_the_true_counts(company: Company):
    filled(company)

    answer = company.call("GET", "/Invoices?page=9")[1]

    assert answer["Invoices"] == []
    assert answer["pagination"] == {"page": 9, "pageSize": 100, "pageCount": 1, "itemCount": 5}
    empty = company.call("GET", "/Contacts?page=1&where=Name%3D%3D%22nobody%22")[1]
    assert empty["pagination"] == {"page": 1, "pageSize": 100, "pageCount": 0, "itemCount": 0}


@pytest.mark.parametrize("path", ["/Invoices?Statuses=AUTHORISED", "/Invoices?summaryOnly=true", "/PurchaseOrders"])
def test_some_lists_are_always_paged(company: Company, path: str):
    assert "pagination" in company.call("GET", path)[1]


def test_items_and_settings_are_never_paged(company: Company):
    for path in ("/Items", "/Accounts", "/TaxRates", "/Currencies", "/TrackingCategories"):
        assert "pagination" not in company.call("GET", f"{path}?page=1")[1]


def test_a_summary_has_no_payments_and_no_lines(company: Company):
    filled(company, 1)

    (found,) = company.rows("/Invoices?summaryOnly=true")

    assert not {"Payments", "LineItems", "HasAttachments"} & found.keys()


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ('Type=="ACCREC" AND Status=="AUTHORISED"', [0, 1, 2, 3, 4]),
        ("AmountDue>20 && AmountDue<=40", [2, 3]),
        ("Total=10", [0]),
        ('(Total==10 OR Total==50) AND Reference!="R5"', [0]),
        ('Contact.Name=="backerei omer"', [1, 3]),
        ('Contact.Name!=null&&Contact.Name.ToLower().Contains("zo")', [0, 2, 4]),
        ('Reference.StartsWith("r") and Reference.EndsWith("2")', [1]),
        ("Date>=DateTime(2026, 11, 10)", [0, 1, 2, 3, 4]),
        ("Date > DateTime(2026, 11, 10)", []),
        ("SentToContact==true", []),
        ("BrandingThemeID==null", [0, 1, 2, 3, 4]),
        ('!(Reference=="R1")', [1, 2, 3, 4]),
    ],
)
def test_where_chooses(company: Company, expression: str, chosen: list[int]):
    keys = filled(company)

    assert ids(company, f"where={quote(expression)}") == [keys[each] for each in chosen]


def test_where_takes_guids_in_either_spelling(company: Company):
    keys = filled(company)

    for spelling in ("guid", "GUID", "Guid"):
        assert ids(company, "where=" + quote(f'InvoiceID=={spelling}("{keys[1].upper()}")')) == [keys[1]]


@pytest.mark.parametrize(
    "expression", ["Nonsense==1", "Type==", 'LineItems.AccountCode=="200"', "Type ACCREC", "(((", "a;b"]
)
def test_a_nonsense_expression_is_refused(company: Company, expression: str):
    status, answer = company.call("GET", f"/Invoices?where={quote(expression)}")

    assert (status, answer["Type"]) == (400, "QueryParseException")


def test_lists_of_ids_numbers_contacts_and_statuses_choose_and_what_is_unknown_is_absent(company: Company):
    keys = filled(company)
    unknown = "11111111-1111-4111-8111-111111111111"
    zoo = company.get("Invoices", keys[0])["Contact"]["ContactID"]

    assert ids(company, f"IDs={keys[3]},{keys[1]},{unknown}") == [keys[1], keys[3]]
    assert ids(company, "InvoiceNumbers=INV-0002,inv-0003") == keys[1:3]
    assert len(ids(company, f"ContactIDs={zoo}&Statuses=AUTHORISED,PAID")) == 3
    company.erp.options.turn({"unknown_ids": "refuse"})
    assert company.call("GET", f"/Invoices?IDs={unknown}")[0] == 400


def test_order_sorts_both_ways_and_by_several(company: Company):
    keys = filled(company)

    assert ids(company, "order=Total%20DESC") == keys[::-1]
    assert ids(company, "order=Contact.Name%20ASC,%20Total%20DESC") == [keys[each] for each in (3, 1, 4, 2, 0)]
    assert company.call("GET", "/Invoices?order=Nothing")[0] == 400


def test_a_delta_begins_with_the_second_asked_for(company: Company):
    keys = filled(company)
    mark = wire.instant_text(wire.read_ms(company.get("Invoices", keys[3])["UpdatedDateUTC"]))[:-1]

    assert ids(company, "", if_modified_since=mark) == keys[3:]
    assert ids(company, "", if_modified_since=mark + ".999") == keys[3:]
    assert ids(company, "", if_modified_since="Sat, 21 Nov 2026 12:04:00 GMT") == keys[3:]
    assert ids(company, "", if_modified_since="yesterday") == keys


def test_voided_documents_come_in_a_delta(company: Company):
    keys = filled(company)
    company.later()
    mark = wire.instant_text(company.erp.now_ms())[:-1]
    company.post(f"Invoices/{keys[0]}", {"Status": "VOIDED"})

    (found,) = company.rows("/Invoices", if_modified_since=mark)

    assert (found["InvoiceID"], found["Status"]) == (keys[0], "VOIDED")


def test_archived_contacts_are_shown_on_request_only_also_in_a_delta(company: Company):
    key = company.contact("Gone")["ContactID"]
    company.post(f"Contacts/{key}", {"ContactStatus": "ARCHIVED"})

    assert company.rows("/Contacts", if_modified_since="2000-01-01T00:00:00") == []
    assert [each["ContactID"] for each in company.rows("/Contacts?includeArchived=true")] == [key]
    assert company.get("Contacts", key)["ContactStatus"] == "ARCHIVED"


def test_contacts_are_short_without_page(company: Company):
    key = company.contact("A", SalesDefaultAccountCode="200")["ContactID"]
    company.invoice(key)

    assert not {"Balances", "SalesDefaultAccountCode"} & company.rows("/Contacts")[0].keys()
    assert {"Balances", "SalesDefaultAccountCode"} <= company.rows("/Contacts?page=1")[0].keys()


def test_one_record_is_found_by_id_and_by_its_natural_key_in_any_case(company: Company):
    key = company.contact("A", ContactNumber="C-9")["ContactID"]
    made = company.invoice(key)
    company.put("Items", {"Code": "BOOK"})

    assert company.get("Invoices", made["InvoiceNumber"])["InvoiceID"] == made["InvoiceID"]
    assert company.get("Contacts", "c-9")["ContactID"] == key
    assert company.get("Items", "BOOK")["Code"] == "BOOK"
    assert company.call("GET", f"/invoices/{made['InvoiceID'].upper()}")[0] == 200
    assert company.call("GET", "/Invoices/nothing")[0] == 404


def test_purchase_orders_are_chosen_by_status_and_days(company: Company):
    key = company.contact()["ContactID"]
    for day in ("2026-11-01", "2026-11-15"):
        company.put("PurchaseOrders", {**invoice(key), "Type": "PURCHASEORDER", "Status": "DRAFT", "Date": day})

    days = [each["DateString"][:10] for each in company.rows("/PurchaseOrders?DateFrom=2026-11-10&Status=DRAFT")]

    assert days == ["2026-11-15"]
    assert company.rows("/PurchaseOrders?status=BILLED&Status=BILLED") == []


def test_search_and_created_by_my_app_choose(company: Company):
    filled(company)
    mine = company.send("PUT", "/Invoices", invoice(company.contact("Mine")["ContactID"]), company.bearer())

    assert len(ids(company, "searchTerm=zoo&page=1")) == 3
    assert ids(company, "createdByMyApp=true") == [wire.decode(mine.body)["Invoices"][0]["InvoiceID"]]


def test_an_answer_without_accept_header_is_xml(company: Company):
    filled(company, 1)
    company.erp.options.turn({"no_accept_header": "json"})
    json = company.erp.handle(request_without_accept(company), authenticated=True)
    company.erp.options.turn({"no_accept_header": "xml"})
    xml = company.erp.handle(request_without_accept(company), authenticated=True)

    assert json.body.startswith(b"{")
    assert xml.content_type == "text/xml; charset=utf-8"
    assert b"<Invoices><Invoice>" in xml.body
    assert b"/Date(" not in xml.body


def request_without_accept(company: Company) -> Request:
    return Request("GET", "/api.xro/2.0/Invoices", "page=1", {"xero-tenant-id": company.books.tenant_id})


def test_nulls_are_never_sent_and_dates_have_their_text_beside_them(company: Company):
    keys = filled(company, 1)
    answer = company.send("GET", f"/Invoices/{keys[0]}")

    assert b"null" not in answer.body
    found = wire.decode(answer.body)["Invoices"][0]
    assert (found["Date"], found["DateString"]) == ("/Date(1794268800000+0000)/", "2026-11-10T00:00:00")
    assert found["UpdatedDateUTCString"] == "2026-11-21T12:01:00Z"
    assert b'"Total":10.00' in answer.body
    assert b'"Quantity":1.0000' in answer.body


def test_history_takes_notes_and_files_are_kept(company: Company):
    key = filled(company, 1)[0]
    company.call("PUT", f"/Invoices/{key}/History", {"HistoryRecords": [{"Details": "Called them"}]})
    company.send("PUT", f"/Invoices/{key}/Attachments/a.txt", b"hello", {"content-type": "text/plain"})

    assert company.call("GET", f"/Invoices/{key}/History")[1]["HistoryRecords"][0]["Details"] == "Called them"
    assert company.send("GET", f"/Invoices/{key}/Attachments/a.txt").body == b"hello"
    assert company.get("Invoices", key)["HasAttachments"] is True
    for number in range(9):
        company.send("PUT", f"/Invoices/{key}/Attachments/{number}.txt", b"x")
    assert company.send("PUT", f"/Invoices/{key}/Attachments/z.txt", b"x").status == 400


def test_an_unpaged_answer_of_too_many_records_is_refused(company: Company, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sandbox.xero.reading.ANSWER_ROWS_MAX", 3)
    filled(company)

    assert company.call("GET", "/Invoices")[0] == 400
    assert company.call("GET", "/Invoices?page=1")[0] == 200
    assert company.call("GET", "/Invoices?page=1&order=Url")[0] == 400
    assert company.call("GET", "/Invoices?page=1&order=Date")[0] == 200
