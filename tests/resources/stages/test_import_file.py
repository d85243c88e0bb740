"""A file into the ledger: all rows or none, every error with its row, documents of several rows, totals to the cent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.spec import entities, spec_of
from resources.errors import TieoutError
from resources.services import Services
from resources.stages.import_file import ImportReport, import_file
from resources.stores import audit
from tests.books import open_services
from tests.conftest import NewDatabase, drop_database
from tests.house import prepare_database

CUSTOMERS = "name,currency\nAnn,USD\nZoë 李,EUR\nعلي,USD\n"
INVOICES = (
    "customer,document_number,issue_date,currency,tax_amount,line.description,line.kind,line.amount\n"
    'Ann,A-1,2026-01-05,USD,1.50,"Tea, green",description,10.00\n'
    "Ann,A-1,,,,Coffee,description,20.25\n"
    "Zoë 李,A-2,2026-01-06,EUR,,Milk,description,7\n"
)


def taker(house: Services, folder: Path) -> Callable[..., ImportReport]:
    """A function that imports a file of this content."""

    def take(content: str | bytes | Path, entity: str = "invoices", connection: str | None = None, **options):
        path = content if isinstance(content, Path) else folder / f"{entity}.csv"
        if not isinstance(content, Path):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_file(
            house, path, spec_of(entity), tenant="default", connection=connection, actor="ann", **options
        )

    return take


@contextmanager
def opened(new_database: NewDatabase, home: Path) -> Iterator[Services]:
    database = new_database(prepare_database)
    with open_services(database.url(), home) as services:
        yield services
    drop_database(database.server, database.name)


@pytest.fixture
def house(new_database, tmp_path) -> Iterator[Services]:
    with opened(new_database, tmp_path / "home") as services:
        yield services


@pytest.fixture
def take(house, tmp_path) -> Callable[..., ImportReport]:
    return taker(house, tmp_path)


@pytest.fixture(scope="module")
def refusing(new_database, tmp_path_factory) -> Iterator[Callable[..., ImportReport]]:
    """Import into a house that has parties and gets nothing more: that nothing was written is checked in the end."""
    folder = tmp_path_factory.mktemp("refused")
    with opened(new_database, folder / "home") as house:
        take = taker(house, folder)
        assert take(CUSTOMERS, "customers").problems == []
        yield take
        with house.db.transaction("default") as tx:
            for table in ("invoices", "invoice_lines"):
                assert tx.execute(f"select count(*) from ledger.{table}").fetchone() == (0,)
            assert tx.execute("select count(*) from ledger.customers").fetchone() == (3,)
            assert tx.execute("select count(*) from sync.audit").fetchone() == (1,)


@pytest.fixture
def query(house):
    def query(statement: str, *values) -> list[tuple]:
        with house.db.transaction("default") as tx:
            return tx.execute(statement, values).fetchall()

    return query


@pytest.fixture
def parties(take) -> None:
    assert take(CUSTOMERS, "customers").problems == []


def told(report: ImportReport) -> list[str]:
    return [str(problem) for problem in report.problems]


def test_parties_and_documents_of_several_rows_are_written_signed_and_noted(parties, take, query, house):
    report = take(INVOICES)

    assert told(report) == []
    assert (report.is_written, report.rows, report.counts.new, report.counts.parts) == (True, 3, 2, 3)
    amounts = "document_number, net_amount, tax_amount, total_amount, open_amount, version, changed_by"
    assert query(f"select {amounts} from ledger.invoices order by 1") == [
        ("A-1", Decimal("30.25"), Decimal("1.50"), Decimal("31.75"), Decimal("31.75"), 1, "ann"),
        ("A-2", Decimal(7), Decimal(0), Decimal(7), Decimal(7), 1, "ann"),
    ]
    assert query("select position, description, amount from ledger.invoice_lines order by part_id") == [
        (1, "Tea, green", Decimal("10.00")),
        (2, "Coffee", Decimal("20.25")),
        (1, "Milk", Decimal(7)),
    ]
    assert query("select name from ledger.customers order by ledger_id") == [("Ann",), ("Zoë 李",), ("علي",)]
    assert query("select entity, count(*) from sync.edits group by 1 order by 1") == [("customers", 3), ("invoices", 2)]
    with house.db.transaction("default") as tx:
        (newest, *_) = audit.entries(tx, "default")
    assert (newest["action"], newest["entity"], newest["actor"]) == ("import", "invoices", "ann")
    assert '"new":2' in newest["detail"]


def test_the_same_file_again_changes_nothing(parties, take, query):
    take(INVOICES)
    again = take(INVOICES)
    assert told(again) == []
    assert (again.counts.new, again.counts.changed, again.counts.same) == (0, 0, 2)
    assert query("select distinct version from ledger.invoices") == [(1,)]


def test_a_dry_run_writes_nothing_and_says_what_would_change(parties, take, query):
    take(INVOICES)
    changed = INVOICES.replace("Milk,description,7", "Milk,description,8") + "Ann,A-3,2026-01-07,USD,,x,description,1\n"

    report = take(changed, is_dry_run=True)

    assert told(report) == []
    assert (report.counts.new, report.counts.changed, report.counts.same) == (1, 1, 1)
    assert [(c.row, c.column) for c in report.changed] == [(4, "net_amount, total_amount, open_amount, lines")]
    assert query("select count(*), max(version) from ledger.invoices") == [(2, 1)]


def test_what_the_ledger_has_is_changed_only_when_asked(parties, take, query):
    take(INVOICES)
    changed = INVOICES.replace("Ann,A-1,,,,Coffee,description,20.25\n", "").replace("Tea, green", "Tea, black")

    refused = take(changed)
    assert [p.row for p in refused.problems] == [2]
    assert "or the option --update" in told(refused)[0]
    assert query("select count(*) from ledger.invoice_lines") == [(3,)]

    report = take(changed, is_update=True)
    assert (report.is_written, report.counts.changed, report.counts.same) == (True, 1, 1)
    assert query("select version, total_amount, open_amount from ledger.invoices where document_number = 'A-1'") == [
        (2, Decimal("11.50"), Decimal("11.50"))
    ]
    assert query("select description from ledger.invoice_lines order by 1") == [("Milk",), ("Tea, black",)]


def test_an_update_leaves_alone_what_the_file_does_not_name(parties, take, query, house):
    take(INVOICES)
    with house.db.transaction("default") as tx:
        tx.execute("update ledger.invoices set memo = 'kept', open_amount = 5 where document_number = 'A-1'")
    report = take(
        "customer,document_number,issue_date,currency,po_number\nAnn,A-1,2026-01-05,USD,PO 7\n", is_update=True
    )
    assert told(report) == []
    assert query(
        "select memo, po_number, total_amount, open_amount from ledger.invoices where document_number = 'A-1'"
    ) == [("kept", "PO 7", Decimal("31.75"), Decimal(5))]
    assert query("select count(*) from ledger.invoice_lines") == [(3,)]


def test_a_column_of_keys_groups_rows_that_have_no_number(parties, take, query):
    header = "import_key,customer,issue_date,currency,line.kind,line.amount\n"
    report = take(header + "a,Ann,2026-01-05,USD,item,1\nb,Ann,2026-01-05,USD,item,2\na,,,,item,3\n")
    assert told(report) == []
    assert query("select total_amount from ledger.invoices order by 1") == [(Decimal(2),), (Decimal(4),)]


def test_references_may_be_ledger_ids(parties, take, query):
    ((ann,),) = query("select ledger_id from ledger.customers where name = 'Ann'")
    take("name,kind\nTea,service\n", "items")
    ((tea,),) = query("select ledger_id from ledger.items")
    header = "customer_id,document_number,issue_date,currency,line.item_id,line.amount\n"
    assert told(take(f"{header}{ann},A-1,2026-01-05,USD,{tea},3\n")) == []
    assert query("select i.customer_id, l.item_id, l.kind from ledger.invoices i join ledger.invoice_lines l "
                 "on l.invoice_id = i.ledger_id") == [(ann, tea, "item")]  # fmt: skip
    assert told(take(f"{header}999,A-2,2026-01-05,USD,998,3\n")) == [
        "row 2, customer_id: found 999, expected the ledger id of one of the customers",
        "row 2, line.item_id: found 998, expected the ledger id of one of the items",
    ]


def test_a_parent_may_stand_in_the_same_file_or_in_the_ledger(parties, take, query):
    assert told(take("name,currency,parent\nChild,USD,Mother\nMother,USD,\nNiece,USD,Ann\n", "customers")) == []
    assert query(
        "select c.name, p.name from ledger.customers c join ledger.customers p on p.ledger_id = c.parent_id order by 1"
    ) == [("Child", "Mother"), ("Niece", "Ann")]
    assert told(take("name,currency,parent\nX,USD,Nobody\n", "customers")) == [
        "row 2, parent: found 'Nobody', expected the name of one of the customers in the ledger"
    ]


def test_payments_name_the_documents_they_settle(parties, take, query):
    take(INVOICES)
    header = "customer,payment_date,reference_number,currency,total_amount,application.document_entity,"
    header += "application.document,application.amount\n"
    report = take(header + "Ann,2026-01-09,CHK 1,USD,40,invoices,A-1,31.75\n", "payments")
    assert told(report) == []
    assert query("select applied_amount, unapplied_amount from ledger.payments") == [
        (Decimal("31.75"), Decimal("8.25"))
    ]
    assert query(
        "select a.document_id = i.ledger_id, a.document_key = '#' || i.ledger_id from ledger.payment_applications a, "
        "ledger.invoices i where i.document_number = 'A-1'"
    ) == [(True, True)]
    wrong = take(header + "Ann,2026-01-09,CHK 2,USD,40,invoices,A-2,1\n", "payments")
    assert told(wrong) == [
        "row 2, application.document: found 'A-2', expected the number of one of the customer's invoices"
    ]


def test_two_parties_of_one_name_are_told_apart_by_currency_or_by_id(parties, take, query):
    take("name,currency\nAnn,EUR\n", "customers")
    plain = "customer,document_number,issue_date,currency,total_amount\nAnn,{},2026-01-05,{},1\n"
    assert told(take(plain.format("E-1", "EUR"))) == []
    assert query("select c.currency from ledger.invoices i join ledger.customers c on c.ledger_id = i.customer_id") == [
        ("EUR",)
    ]
    (problem,) = take(plain.format("E-2", "GBP")).problems
    assert "'Ann', which 2 customers are called (ledger ids " in problem.found
    assert problem.expected == "one of them: say which in a column customer_id"


def test_rows_belong_to_the_connection_that_is_named(parties, take, query, house):
    with house.db.transaction("default") as tx:
        for name in ("qbo", "xero"):
            tx.execute(
                "insert into sync.connections (connection, tenant_id, erp, settings, partition_key, "
                "pull_interval_seconds) values (%s, 'default', 'quickbooks', '{}', %s, 300)",
                (name, name),
            )
        tx.execute("update ledger.customers set connection = 'xero' where name = 'Ann'")
    assert told(take("name,currency\nBob,USD\n", "customers", "qbo")) == []
    assert query("select connection from ledger.customers where name = 'Bob'") == [("qbo",)]
    header = "customer,document_number,issue_date,currency,total_amount\n"
    assert told(take(header + "Ann,1,2026-01-05,USD,1\n", "invoices", "qbo")) == [
        "row 2, customer: found 'Ann', expected the name of one of the customers in the ledger"
    ]
    assert told(take(header + "Bob,1,2026-01-05,USD,1\n", "invoices", "qbo")) == []


def test_every_entity_can_be_imported_with_its_fewest_columns(take, query):
    files = {
        "customers": "name,currency\nAnn,USD\n",
        "vendors": "name,currency\nTea Ltd,USD\n",
        "items": "name,kind\nTea,inventory\n",
        "invoices": "customer,document_number,issue_date,currency,line.item,line.amount\nAnn,1,2026-01-05,USD,Tea,5\n",
        "credit_memos": "customer,issue_date,currency,total_amount\nAnn,2026-01-05,USD,5\n",
        "payments": "customer,payment_date,currency,total_amount\nAnn,2026-01-05,USD,5\n",
        "purchase_orders": "vendor,document_number,issue_date,currency,line.item,line.amount\n"
        "Tea Ltd,1,2026-01-05,USD,Tea,5\n",
        "bills": "vendor,document_number,issue_date,currency,line.kind,line.account_code,line.amount\n"
        "Tea Ltd,1,2026-01-05,USD,account,6000,5\n",
        "vendor_credits": "vendor,issue_date,currency,total_amount\nTea Ltd,2026-01-05,USD,5\n",
        "bill_payments": "vendor,payment_date,document_number,method,currency,total_amount,application.document_entity,"
        "application.document,application.amount\nTea Ltd,2026-01-09,CHK 1,check,USD,5,bills,1,4\n",
    }
    assert list(files) == [spec.name for spec in entities()]
    for entity, content in files.items():
        report = take(content, entity)
        assert (entity, told(report), report.counts.new) == (entity, [], 1)
    documents = [spec.name for spec in entities() if spec.is_document]
    for entity in documents:
        assert query(f"select total_amount, changed_by from ledger.{entity}") == [(Decimal(5), "ann")]
    assert query("select applied_amount, unapplied_amount from ledger.bill_payments") == [(Decimal(4), Decimal(1))]
    assert query("select status, net_amount from ledger.purchase_orders") == [("open", Decimal(5))]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(("\ufeff" + INVOICES).encode(), id="a byte order mark"),
        pytest.param(INVOICES.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(INVOICES.replace("Tea, green", "Tea green").replace(",", ";").encode(), id="semicolons"),
        pytest.param(INVOICES.replace('"Tea, green"', "Tea").replace(",", "\t").encode(), id="tabs"),
        pytest.param(INVOICES.replace("Tea, green", 'Tea\nof ""spring""').encode(), id="newlines and quotes in a cell"),
        pytest.param(INVOICES.replace("\n", "\n\n").encode(), id="blank rows"),
        pytest.param(INVOICES.rstrip().encode(), id="no newline at the end"),
    ],
)
def test_spellings_of_csv_are_one_file(parties, take, query, content):
    assert told(take(content)) == []
    assert query("select sum(total_amount), count(*) from ledger.invoices") == [(Decimal("38.75"), 2)]


def test_parquet_is_read_exactly(parties, take, query, tmp_path):
    table = pa.table(
        {
            "customer": ["Ann", "Zoë 李"],
            "document_number": ["P-1", "P-2"],
            "issue_date": pa.array([20458, 20459], pa.int32()).cast(pa.date32()),
            "currency": ["USD", "EUR"],
            "total_amount": pa.array([Decimal("10.10"), Decimal("0.07")], pa.decimal128(20, 2)),
            "is_void": [False, None],
        }
    )
    pq.write_table(table, tmp_path / "good.parquet")
    assert told(take(tmp_path / "good.parquet")) == []
    assert query("select total_amount, issue_date::text from ledger.invoices order by 1") == [
        (Decimal("0.07"), "2026-01-06"),
        (Decimal("10.10"), "2026-01-05"),
    ]
    pq.write_table(table.set_column(4, "total_amount", pa.array([10.1, 0.07])), tmp_path / "lossy.parquet")
    with pytest.raises(TieoutError, match="columns of floats: total_amount"):
        take(tmp_path / "lossy.parquet")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        pytest.param(
            "custommer,document_number,issue_date,currency,total_amount",
            "found the header 'custommer', expected customer",
            id="misspelt",
        ),
        pytest.param("Customer,issue_date,currency", "found the header 'Customer', expected customer", id="capitals"),
        pytest.param(
            "customer,customer_id,issue_date,currency",
            "found customer and customer_id, expected one of them",
            id="both",
        ),
        pytest.param(
            "customer,customer,issue_date,currency",
            "found this header twice, expected each once",
            id="twice",
        ),
        pytest.param("customer,document_number", "row 1, issue_date: found no such column", id="missing"),
        pytest.param(
            "customer,issue_date,currency,line.description",
            "row 1, line.amount: found no such column",
            id="missing in lines",
        ),
        pytest.param("customer,issue_date,currency,,", "row 1, column 4: found the header ''", id="unnamed"),
        pytest.param(
            "zzz,customer,issue_date,currency",
            "row 1, zzz: found the header 'zzz', expected one of import_key, customer_id",
            id="nothing near",
        ),
    ],
)
def test_a_wrong_header_is_told_with_what_it_should_be(refusing, header, said):
    report = refusing(f"{header}\n")
    assert any(said in problem for problem in told(report)), told(report)
    assert not report.is_written


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("issue_date", "05/01/2026", "found '05/01/2026', expected a day as YYYY-MM-DD"),
        ("issue_date", "2026-02-30", "expected a day that exists"),
        ("issue_date", "20260105", "expected a day as YYYY-MM-DD"),
        ("total_amount", '"1,234.50"', "expected a plain number such as 1234.50"),
        ("total_amount", "$5", "expected a plain number"),
        ("total_amount", "1e3", "expected a plain number"),
        ("total_amount", "(5.00)", "expected a plain number"),
        ("total_amount", "1_0", "expected a plain number"),
        ("total_amount", "١٢", "expected a plain number"),
        ("total_amount", "NaN", "expected a plain number"),
        ("total_amount", "0.1234567", "at most 6 digits after the point"),
        ("total_amount", "1000000000000000000", "at most 18 digits before the point"),
        ("currency", "usd", "expected a currency's three capital letters"),
        ("currency", "", "found no value, expected a value"),
        ("issue_date", "", "found no value, expected a value"),
        ("total_amount", "", "expected a value, or lines that add up to it"),
        ("customer", "", "found no value, expected a value"),
        ("customer", "Nobody", "found 'Nobody', expected the name of one of the customers in the ledger"),
        ("is_void", "maybe", "found 'maybe', expected true or false"),
        ("open_amount", "6", "found total_amount 5.00, open_amount 6, expected what is open lies between"),
        (
            "net_amount",
            "4",
            "net_amount 4, tax_amount 0, total_amount 5.00, is_void false, expected lines and tax",
        ),
        ("memo", '"a\x00b"', "expected text without a NUL character"),
    ],
)
def test_a_bad_cell_is_told_with_its_row_and_nothing_is_written(refusing, column, cell, said):
    good = {"customer": "Ann", "issue_date": "2026-01-05", "currency": "USD", "total_amount": "5.00"}
    bad = {**good, column: cell}
    header = ["document_number", *bad]
    rows = [["A-1", *({column: "", **good}[c] for c in bad)], ["A-2", *bad.values()]]

    report = refusing("\n".join(",".join(row) for row in [header, *rows]) + "\n")

    (problem,) = told(report)
    assert problem.startswith("row 3, "), problem
    assert said in problem


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(
            "Ann,A-1,2026-01-05,USD,item\n",
            "row 2, the whole row: found 5 cells, expected 6",
            id="too few cells",
        ),
        pytest.param("Ann,A-1,2026-01-05,USD,item,1,2\n", "found 7 cells, expected 6", id="too many cells"),
        pytest.param(
            "Ann,A-1,2026-01-05,USD,item,1\nAnn,A-1,2026-01-06,,item,2\n",
            "row 2, issue_date: found several values",
            id="a torn document",
        ),
        pytest.param(
            "Ann,,2026-01-05,USD,item,1\n",
            "or a column import_key that says which rows are one document",
            id="no number",
        ),
        pytest.param(
            "Ann,A-1,2026-01-05,USD,item,\n",
            "row 2, line.amount: found no value",
            id="a line without amount",
        ),
        pytest.param(
            "Ann,A-1,2026-01-05,USD,thing,1\n",
            "row 2, line.kind: found 'thing', expected one of item, discount",
            id="kind",
        ),
        pytest.param("Ann,A-1,2026-01-05,USD,,1\n", "row 2, line.kind: found no value", id="no kind"),
    ],
)
def test_wrong_lines_are_told(refusing, rows, said):
    report = refusing("customer,document_number,issue_date,currency,line.kind,line.amount\n" + rows)
    assert any(said in problem for problem in told(report)), told(report)


def test_the_same_number_twice_is_told(refusing):
    header = "customer,document_number,issue_date,currency,total_amount\n"
    report = refusing(header + "Ann,A-1,2026-01-05,USD,1\nعلي,A-1,2026-01-05,USD,1\nAnn,A-1,2026-01-05,USD,2\n")
    assert told(report) == [
        "row 4, customer, document_number: found the same as in row 2, expected each once",
    ]


def test_all_errors_of_a_file_are_told_at_once(refusing):
    header = "customer,document_number,issue_date,currency,total_amount\n"
    report = refusing(header + "Ann,1,x,USD,y\nNobody,2,2026-01-05,USD,1\nAnn,3,2026-01-05,,1\n")
    assert [(p.row, p.column) for p in report.problems] == [
        (2, "issue_date"),
        (2, "total_amount"),
        (3, "customer"),
        (4, "currency"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "found an empty file", id="empty"),
        pytest.param(b"\n\n", "found an empty file", id="blank"),
        pytest.param("customer\n".encode("utf-16"), "found UTF-16, expected UTF-8", id="UTF-16"),
        pytest.param("name,currency\nZoë,USD\n".encode("latin-1"), "the byte 0xeb, which is no UTF-8", id="Latin-1"),
        pytest.param(b'name,currency\n"Ann,USD\n', "quotes around a cell are closed", id="an open quote"),
        pytest.param(b"PAR1 and nothing else", "expected a whole Parquet file", id="half a Parquet file"),
    ],
)
def test_what_is_no_table_is_refused(refusing, content, said):
    with pytest.raises(TieoutError) as refused:
        refusing(content, "customers")
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_refused(refusing, tmp_path):
    with pytest.raises(TieoutError, match="No such file"):
        refusing(tmp_path / "none.csv")


def test_a_header_without_rows_is_nothing_new(refusing):
    report = refusing("name,currency\n", "customers")
    assert (told(report), report.counts.new, report.rows) == ([], 0, 0)
