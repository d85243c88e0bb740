"""Online Retail as a QuickBooks company: each dirty case decided as docs/online-retail.md says, and the sums exact.

A small generated file holds every case; the real file is read in place, where it is kept beside the checkout.
"""

import json
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Thread
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.load_retail import main
from sandbox.quickbooks.retail import DECISIONS, RetailCompany, RetailError

ROOT = Path(__file__).parents[2]
REAL_FILE = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail_lines.parquet"
SCHEMA = pa.schema(
    [
        ("invoice_no", pa.string()),
        ("line_seq", pa.int32()),
        ("stock_code", pa.string()),
        ("description", pa.string()),
        ("quantity", pa.int32()),
        ("invoice_ts", pa.timestamp("ms")),
        ("unit_price", pa.decimal128(12, 3)),
        ("customer_id", pa.string()),
        ("country", pa.string()),
    ]
)
START = datetime.fromisoformat("2011-01-04T09:30:00")
UK = "United Kingdom"


def a_line(number, code="85123A", quantity=1, price="2.00", *, text="HEART", customer="17850", country=UK, at=START):
    return {
        "invoice_no": number,
        "stock_code": code,
        "description": text,
        "quantity": quantity,
        "invoice_ts": at,
        "unit_price": Decimal(price),
        "customer_id": customer,
        "country": country,
    }


def written(tmp_path, lines):
    """A parquet file of these lines, numbered within each invoice."""
    counts = Counter()
    for line in lines:
        counts[line["invoice_no"]] += 1
        line["line_seq"] = counts[line["invoice_no"]]
    path = tmp_path / "lines.parquet"
    pq.write_table(pa.Table.from_pylist(lines, schema=SCHEMA), path)
    return path


DIRTY_LINES = [
    a_line("1001", text="  WHITE   HEART "),
    a_line("1001", code="85123a", quantity=3, text="WHITE HEART", price="2.55"),
    a_line("1001", code="85123a", quantity=3, text="WHITE HEART", price="2.55"),
    a_line("1001", code="POST", price="18.00", text="POSTAGE"),
    a_line("1002", quantity=80995, price="2.08", customer="16446"),
    a_line("C1003", quantity=-80995, price="2.08", customer="16446", at=START + timedelta(minutes=12)),
    a_line("1004", code="22139", quantity=-50, price="0", text="damages", customer=None),
    a_line("1005", code="22139", quantity=2, price="0", text=None, customer=None, country="EIRE"),
    a_line("1006", code="PADS", price="0.001", text="?", customer=None),
    a_line("A1007", code="B", price="11062.06", text="Adjust bad debt", customer=None),
    a_line("A1008", code="B", price="-11062.06", text="Adjust bad debt", customer=None),
    a_line("1009", country="Cyprus", text='RETRO 7" "SIGN"'),
    a_line("1009", country="Cyprus", code="C2", price="3.50", text="CARRIAGE £", at=START - timedelta(minutes=1)),
    a_line("C1010", code="D", quantity=-1, price="0", text="Discount"),
    a_line("1011", customer="1", quantity=-2, price="1.50"),
    *(a_line("1012", code=f"{10000 + n}", price="0.10", customer="2") for n in range(751)),
    *(
        a_line(f"{2000 + n}", customer=str(n % 7 + 1), price=f"{n + 1}.01", at=START + timedelta(days=n))
        for n in range(120)
    ),
    *(a_line(f"{3000 + n}", customer=None, at=START + timedelta(days=120 + n)) for n in range(40)),
]


def everything(company):
    """All chunks of a company put together."""
    objects = defaultdict(list)
    for chunk in company.chunks():
        for entity, wires in chunk.items():
            objects[entity] += wires
    return objects


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    return RetailCompany(written(tmp_path_factory.mktemp("retail"), [dict(line) for line in DIRTY_LINES]))


@pytest.fixture(scope="module")
def objects(dirty):
    return everything(dirty)


@pytest.fixture(scope="module")
def by_number(objects):
    return {each["DocNumber"]: each for each in objects["Invoice"] + objects["CreditMemo"]}


def item_lines(document):
    return [line for line in document["Line"] if line["DetailType"] == "SalesItemLineDetail"]


def check_books(company):
    """Work out every balance and sum from the objects alone, a chunk at a time; returns how many there are of each."""
    counts, own, shown, paid = Counter(), defaultdict(Decimal), {}, defaultdict(Decimal)
    totals, lines, owed, receivable = defaultdict(Decimal), 0, {}, None
    for chunk in company.chunks():
        counts.update({entity: len(objects) for entity, objects in chunk.items()})
        shown.update({customer["Id"]: customer["Balance"] for customer in chunk.get("Customer", [])})
        for account in chunk.get("Account", []):
            if account["AccountType"] == "Accounts Receivable":
                receivable = account["CurrentBalance"]
        for payment in chunk.get("Payment", []):
            (line,) = payment["Line"]
            paid[line["LinkedTxn"][0]["TxnId"]] += line["Amount"]
            assert payment["TotalAmt"] == line["Amount"] and payment["UnappliedAmt"] == 0
        for entity, sign in (("Invoice", 1), ("CreditMemo", -1)):
            for document in chunk.get(entity, []):
                items = item_lines(document)
                assert document["TotalAmt"] == sum(line["Amount"] for line in items) == document["Line"][-1]["Amount"]
                totals[entity] += document["TotalAmt"]
                owed[document["Id"]] = document["TotalAmt"] - document["Balance"]
                own[document["CustomerRef"]["value"]] += sign * document["Balance"]
                lines += len(items)
    assert {document_id: amount for document_id, amount in owed.items() if amount} == paid
    assert shown == own
    assert receivable == sum(own.values())
    assert totals["Invoice"] - totals["CreditMemo"] + company.survey.rounding == company.survey.source_sum
    assert lines == company.survey.line_count
    return counts


def test_the_books_of_a_dirty_file_balance_exactly(dirty):
    check_books(dirty)
    assert dirty.survey.rounding == Decimal("0.001")


def test_building_twice_gives_the_same_company(dirty, objects):
    assert everything(RetailCompany(dirty.file.path)) == objects


def test_cancellations_become_unlinked_credit_memos_with_positive_lines(by_number):
    memo = by_number["C1003"]
    (line,) = item_lines(memo)
    assert (memo["TotalAmt"], memo["RemainingCredit"]) == (Decimal("168469.60"), Decimal("168469.60"))
    assert (line["SalesItemLineDetail"]["Qty"], line["SalesItemLineDetail"]["UnitPrice"]) == (80995, Decimal("2.08"))
    assert "LinkedTxn" not in memo and "RemainingCredit" not in by_number["1002"]


def test_bad_debt_adjustments_follow_the_sign_of_their_total_and_are_never_paid(by_number):
    assert by_number["A1007"]["Balance"] == Decimal("11062.06") and "DueDate" in by_number["A1007"]
    memo = by_number["A1008"]
    assert memo["RemainingCredit"] == Decimal("11062.06")
    (line,) = item_lines(memo)
    assert (line["SalesItemLineDetail"]["Qty"], line["SalesItemLineDetail"]["UnitPrice"]) == (1, Decimal("11062.06"))
    assert memo["PrivateNote"] == "Bad debt adjustment"


def test_a_document_with_a_negative_total_and_no_c_is_a_credit_memo(by_number):
    assert by_number["1011"]["RemainingCredit"] == Decimal("3.00")


def test_lines_without_a_customer_go_to_one_walk_in_customer_a_country(by_number):
    names = {number: by_number[number]["CustomerRef"]["name"] for number in ("1004", "1005", "1006")}
    assert names == {"1004": f"Walk-in ({UK})", "1005": "Walk-in (EIRE)", "1006": f"Walk-in ({UK})"}


def test_zero_totals_and_write_offs_stay_as_documents_of_zero_that_no_one_takes_for_voids(by_number):
    write_off, free = by_number["1004"], by_number["1005"]
    assert write_off["TotalAmt"] == free["TotalAmt"] == Decimal("0.00")
    assert item_lines(write_off)[0]["SalesItemLineDetail"]["Qty"] == -50
    assert by_number["C1010"]["RemainingCredit"] == Decimal("0.00")
    assert not any("PrivateNote" in each for each in (write_off, free))


def test_stock_codes_that_differ_by_case_are_one_item_with_a_unique_name(objects):
    names = [item["Name"] for item in objects["Item"]]
    assert len({name.casefold() for name in names}) == len(names)
    assert names.count("85123A") == 1
    kinds = {item["Name"]: item["Type"] for item in objects["Item"]}
    assert {kinds[code] for code in ("POST", "PADS", "B", "C2", "D")} == {"Service"}
    assert kinds["85123A"] == kinds["22139"] == "NonInventory"


def test_repeated_lines_are_kept_each_with_its_own_id(by_number):
    lines = item_lines(by_number["1001"])
    assert [line["Id"] for line in lines] == ["1", "2", "3", "4"]
    assert [line["SalesItemLineDetail"]["ItemRef"]["name"] for line in lines] == ["85123A"] * 3 + ["POST"]


def test_descriptions_are_tidied_and_empty_ones_left_out(by_number):
    assert item_lines(by_number["1001"])[0]["Description"] == "WHITE HEART"
    assert "Description" not in item_lines(by_number["1005"])[0]
    assert item_lines(by_number["1006"])[0]["Description"] == "?"
    assert [line["Description"] for line in item_lines(by_number["1009"])] == ['RETRO 7" "SIGN"', "CARRIAGE £"]


def test_a_price_of_a_tenth_of_a_penny_keeps_its_decimals_and_the_amount_is_whole_pennies(by_number):
    (line,) = item_lines(by_number["1006"])
    assert (line["SalesItemLineDetail"]["UnitPrice"], line["Amount"]) == (Decimal("0.001"), Decimal("0.00"))


def test_a_document_with_two_timestamps_has_the_earlier_one_and_its_own_country(by_number, objects):
    invoice = by_number["1009"]
    assert invoice["MetaData"]["CreateTime"] == "2011-01-04T01:29:00-08:00"
    assert invoice["BillAddr"]["Country"] == "Cyprus"
    (customer,) = [each for each in objects["Customer"] if each["DisplayName"] == "Customer 17850"]
    assert customer["BillAddr"]["Country"] == UK


def test_more_than_750_untaxed_lines_stay_one_invoice(by_number):
    assert len(item_lines(by_number["1012"])) == 751


def test_payments_are_generated_and_never_after_the_end_of_the_file(objects):
    invoices = {each["Id"]: each for each in objects["Invoice"]}
    last_day = max(each["TxnDate"] for each in objects["Invoice"])
    assert objects["Payment"]
    for payment in objects["Payment"]:
        invoice = invoices[payment["Line"][0]["LinkedTxn"][0]["TxnId"]]
        assert invoice["TxnDate"] <= payment["TxnDate"] <= last_day
        assert invoice["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "Payment"}]
    assert any(0 < each["Balance"] < each["TotalAmt"] for each in objects["Invoice"])
    assert any(each["Balance"] == each["TotalAmt"] > 0 for each in objects["Invoice"])


def test_every_decision_is_counted_in_the_summary_and_written_down(dirty):
    counts = dirty.summary()["decisions"]
    expected = {
        "cancellations": 2,
        "adjustments": 2,
        "negative_totals": 1,
        "zero_totals": 4,
        "negative_quantities": 2,
        "negative_prices": 1,
        "zero_prices": 3,
        "codes_differing_by_case": 1,
        "service_codes": 5,
        "empty_descriptions": 1,
        "tidied_descriptions": 1,
        "rounded_lines": 1,
        "repeated_lines": 1,
        "two_timestamps": 1,
        "mixed_headers": 0,
        "customers_in_two_countries": 1,
        "over_750_lines": 1,
        "walk_in_documents": 45,
    }
    assert {name: counts[name] for name in expected} == expected
    assert set(counts) == set(DECISIONS)
    written_down = (ROOT / "docs" / "online-retail.md").read_text(encoding="utf-8")
    assert [name for name in DECISIONS if f"`{name}`" not in written_down] == []


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([a_line("1"), a_line("2"), a_line("1")], "invoice 1: found its lines in two places"),
        ([a_line("1" * 22)], "found a number of 22 characters"),
        ([a_line("1", code=None)], "invoice 1 line 1: found no stock_code"),
        ([], "found no lines"),
    ],
    ids=["scattered lines", "long number", "no stock code", "empty file"],
)
def test_a_file_that_cannot_be_loaded_says_where_and_what_to_do(tmp_path, lines, says):
    with pytest.raises(RetailError, match=says):
        RetailCompany(written(tmp_path, [dict(line) for line in lines]))


def test_an_invoice_beyond_the_line_limit_is_refused(tmp_path):
    with pytest.raises(RetailError, match="invoice 7: found 10001 lines, expected at most 10000"):
        RetailCompany(written(tmp_path, [a_line("7") for _ in range(10_001)]))


def test_a_file_of_other_columns_or_no_parquet_is_refused(tmp_path):
    pq.write_table(pa.table({"invoice_no": ["1"]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("invoice_no,line_seq\n")
    with pytest.raises(RetailError, match="expected also line_seq, stock_code"):
        RetailCompany(tmp_path / "other.parquet")
    with pytest.raises(RetailError, match="expected a parquet file"):
        RetailCompany(tmp_path / "text.parquet")


def test_a_column_of_another_type_is_refused(tmp_path):
    table = pa.Table.from_pylist([a_line("1") | {"line_seq": 1}], schema=SCHEMA)
    position = table.schema.get_field_index("quantity")
    pq.write_table(table.set_column(position, "quantity", pa.array(["three"])), tmp_path / "text.parquet")

    with pytest.raises(RetailError, match="column quantity: found string, expected a whole number"):
        RetailCompany(tmp_path / "text.parquet")


def test_prices_that_are_no_decimals_are_taken_at_their_shortest_decimal_form(tmp_path):
    table = pa.Table.from_pylist([a_line("1", quantity=3, price="2.55") | {"line_seq": 1}], schema=SCHEMA)
    position = table.schema.get_field_index("unit_price")
    pq.write_table(table.set_column(position, "unit_price", pa.array([2.55])), tmp_path / "float.parquet")

    assert RetailCompany(tmp_path / "float.parquet").survey.source_sum == Decimal("7.65")


class Recorder(BaseHTTPRequestHandler):
    """Takes what a simulator's control API takes, and keeps it."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])), parse_float=Decimal)
        self.server.calls.append((self.path, body))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def control_api():
    server = HTTPServer(("127.0.0.1", 0), Recorder)
    server.calls, server.status = [], 200
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def url_of(server):
    return f"http://127.0.0.1:{server.server_port}"


def test_the_command_resets_the_simulator_loads_in_chunks_and_sums_up(dirty, control_api, capsys):
    assert main([str(dirty.file.path), "--base-url", url_of(control_api), "--json"]) == 0

    summary = json.loads(capsys.readouterr().out)
    assert control_api.calls[0] == ("/_sandbox/reset", {"seed": "empty"})
    assert {path for path, _ in control_api.calls[1:]} == {"/_sandbox/load"}
    sent = Counter()
    for _, body in control_api.calls[1:]:
        sent.update({entity: len(objects) for entity, objects in body.items()})
    assert summary["loaded"] == sent
    assert summary["rounding_difference"] == "0.001"
    amounts = [each["TotalAmt"] for _, body in control_api.calls[1:] for each in body.get("Invoice", [])]
    assert sum(amounts) == Decimal(summary["invoice_sum"])


@pytest.fixture
def simulator():
    """The address of a QuickBooks simulator of this test's own, in its own process."""
    command = [sys.executable, "-m", "sandbox", "--erp", "quickbooks", "--port", "0"]
    with Popen(command, cwd=ROOT, stdout=PIPE, text=True) as process:
        yield process.stdout.readline().split()[-1]
        process.terminate()


def test_a_simulator_holds_exactly_what_was_loaded(dirty, objects, simulator):
    assert main([str(dirty.file.path), "--base-url", simulator]) == 0

    with urlopen(f"{simulator}/_sandbox/state", timeout=30) as answer:
        state = json.loads(answer.read(), parse_float=Decimal)
    for entity in ("Invoice", "CreditMemo", "Payment", "Customer", "Item"):
        assert sorted(state[entity], key=lambda each: int(each["Id"])) == sorted(
            objects[entity], key=lambda each: int(each["Id"])
        )
    receivables = [each for each in state["Account"] if each["AccountType"] == "Accounts Receivable"]
    assert [each["CurrentBalance"] for each in receivables] == [sum(each["Balance"] for each in state["Customer"])]


def test_the_command_prints_a_table_and_takes_only_as_many_documents_as_asked(dirty, control_api, capsys):
    assert main([str(dirty.file.path), "--base-url", url_of(control_api), "--limit-invoices", "3"]) == 0

    table = capsys.readouterr().out
    assert "documents" in table and DECISIONS["cancellations"] in table
    assert sum(len(body.get("Invoice", [])) for _, body in control_api.calls) == 2


def test_the_command_says_what_to_do_when_no_simulator_answers(dirty, control_api, capsys):
    control_api.status = 500
    assert main([str(dirty.file.path), "--base-url", url_of(control_api)]) == 2
    assert "found status 500" in capsys.readouterr().err
    assert main([str(dirty.file.path), "--base-url", "http://127.0.0.1:1"]) == 2
    assert "start one with `python -m sandbox" in capsys.readouterr().err
    assert main([str(dirty.file.path), "--base-url", "localhost"]) == 2
    assert "expected http://HOST:PORT" in capsys.readouterr().err


@pytest.mark.shared
@pytest.mark.skipif(not REAL_FILE.exists(), reason=f"no Online Retail file at {REAL_FILE}")
def test_the_real_file_ties_out_to_its_published_sum():
    company = RetailCompany(REAL_FILE)
    survey = company.survey

    counts = check_books(company)
    assert (survey.line_count, len(survey.documents)) == (293_960, 13_333)
    assert survey.source_sum == Decimal("5062713.762")
    assert survey.invoice_sum - survey.credit_sum == Decimal("5062713.76")
    assert survey.rounding == Decimal("0.002") and survey.decisions["rounded_lines"] == 2
    assert counts["Customer"] == 2212 + 9
    assert (counts["CreditMemo"], counts["Invoice"]) == (1985 + 1, 13_333 - 1986)
