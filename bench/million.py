"""A company of very many documents on both sides, written by SQL as a sync leaves it.

Belongs here: what is in it. It is made where a sync would take an hour: the rows are those a sync writes (ledger,
lines, applications, bindings, the mirror's documents as they are compared), but for the payloads in the mirror.
What is measured on it is `bench/reconcile.py` and `bench/analytics.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

CONNECTION = "million"
TENANT = "default"
HOME_CURRENCY = "USD"
LINES = 5
# Every so many documents one differs: the same ones whatever the size.
DIFFERS_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything: by default of a million invoices, 600,000 payments and 200,000 bills."""

    invoices: int = 1_000_000

    @property
    def parameters(self) -> dict[str, int]:
        return {
            "invoices": self.invoices,
            "lines": LINES,
            "payments": self.invoices * 6 // 10,
            "bills": self.invoices // 5,
            "orders": self.invoices // 20,
            "customers": max(self.invoices // 50, 10),
            "vendors": max(self.invoices // 500, 10),
            "items": 2000,
        }


def load(superuser_url: str, sizes: Sizes) -> None:
    """Fill a migrated, empty database; its triggers are left out, as they change nothing in rows that are new."""
    with psycopg.connect(superuser_url, autocommit=True) as db:
        db.execute("set session_replication_role = replica")
        db.execute("set synchronous_commit = off")
        db.execute("set work_mem = '256MB'")
        for name, value in sizes.parameters.items():
            db.execute("select set_config(%s, %s, false)", (f"million.{name}", str(value)))
        for statement in _STATEMENTS:
            db.execute(statement)
        db.execute("vacuum analyze")


def differ(superuser_url: str) -> int:
    """Change one invoice in every thousand on the ERP's side, each in another way; returns how many."""
    with psycopg.connect(superuser_url, autocommit=True) as db:
        changed = db.execute(
            """
            update reconciliation.documents
               set open_amount = case external_id::bigint / %(every)s %% 4 when 0 then open_amount + 1
                                 else open_amount end,
                   due_date = case external_id::bigint / %(every)s %% 4 when 1 then due_date + 1 else due_date end,
                   total_amount = case external_id::bigint / %(every)s %% 4 when 2 then total_amount + 0.01
                                  else total_amount end,
                   is_deleted = external_id::bigint / %(every)s %% 4 = 3
             where entity = 'invoices' and external_id::bigint %% %(every)s = 0
            """,
            {"every": DIFFERS_EVERY},
        ).rowcount
        db.execute("vacuum analyze reconciliation.documents")
    return changed


def _n(name: str) -> str:
    return f"current_setting('million.{name}')::bigint"


def _master(table: str, count: str, columns: str, values: str) -> list[str]:
    return [
        f"insert into ledger.{table} (ledger_id, tenant_id, {columns}, changed_by, connection) overriding system value "
        f"select i, '{TENANT}', {values}, 'sync:{CONNECTION}', '{CONNECTION}' from generate_series(1, {_n(count)}) i",
        _bind(table),
    ]


def _bind(table: str) -> str:
    return (
        "insert into sync.bindings (connection, entity, external_id, tenant_id, ledger_id, base_seq, version_token, "
        f"ledger_version) select '{CONNECTION}', '{table}', ledger_id::text, tenant_id, ledger_id, ledger_id, '0', 1 "
        f"from ledger.{table} l order by l.ledger_id"
    )


_DAY = "date '2024-01-01' + (i % 1000)::int"
_LINE = """
select i, k, (i * 7 + k * 13) % 2000 + 1 as item_id, (i * k) % 7 + 1 as quantity,
       ((i * 31 + k * 17) % 20000 + 100) / 100.0 as unit_price
  from generate_series(1, {count}) i, generate_series(1, {lines}) k
"""
# The same text and digest as `documents.py` makes of a line.
_HASH = """md5(string_agg(position::text || '|' || item_id::text || '|' || trim_scale(quantity)::text || '|'
  || trim_scale(unit_price)::text || '|' || trim_scale(amount)::text, E'\\n' order by position))"""


def _documents(table: str, part: str, parent: str, party: str, parties: str, count: str) -> list[str]:
    """Documents with lines: a third paid, a third half paid, a third open; 8% tax on every other one."""
    return [
        f"insert into ledger.{part} ({parent}, part_key, tenant_id, line_key, position, kind, item_id, description, "
        "quantity, unit_price, amount, account_code, tax_code) "
        f"select i, k::text, '{TENANT}', k::text, k, 'item', item_id, 'Part ' || item_id, quantity, "
        "round(unit_price, 2), round(quantity * unit_price, 2), '4000', 'TAX' "
        f"from ({_LINE.format(count=_n(count), lines=_n('lines'))}) l",
        f"create temp table sums as select {parent} as i, sum(amount) as net, {_HASH} as hash "
        f"from ledger.{part} group by 1",
        f"insert into ledger.{table} (ledger_id, tenant_id, {party}_id, document_number, issue_date, due_date, "
        "currency, exchange_rate, net_amount, tax_amount, total_amount, open_amount, terms_code, changed_by, "
        "connection) overriding system value "
        f"select i, '{TENANT}', i % {_n(parties)} + 1, 'D-' || i, {_DAY}, {_DAY} + 30, "
        "case when i % 10 < 8 then 'USD' when i % 10 = 8 then 'EUR' else 'GBP' end, "
        "case when i % 10 < 8 then 1 when i % 10 = 8 then 1.1 else 1.3 end, net, tax, net + tax, "
        f"case i % 3 when 0 then 0 when 1 then round((net + tax) / 2, 2) else net + tax end, 'NET30', "
        f"'sync:{CONNECTION}', '{CONNECTION}' "
        "from (select *, case when i % 2 = 0 then round(net * 0.08, 2) else 0 end as tax from sums) s order by i",
        _bind(table),
        "insert into reconciliation.documents (connection, entity, external_id, tenant_id, change_seq, is_deleted, "
        "is_readable, party_external_id, document_number, document_date, due_date, currency, exchange_rate, "
        "total_amount, tax_amount, open_amount, is_void, parts_hash, applications) "
        f"select '{CONNECTION}', '{table}', ledger_id::text, '{TENANT}', ledger_id, false, true, {party}_id::text, "
        "document_number, issue_date, due_date, currency, exchange_rate, total_amount, tax_amount, open_amount, "
        f"is_void, hash, '[]' from ledger.{table} join sums on i = ledger_id order by i",
        _mirrored(table),
        "drop table sums",
    ]


def _mirrored(table: str) -> str:
    return (
        "insert into mirror." + table + " (connection, external_id, tenant_id, version_token, modified_at, "
        "content_hash, payload, change_seq) "
        f"select '{CONNECTION}', ledger_id::text, '{TENANT}', '0', changed_at, '\\x00', '{{}}', ledger_id "
        f"from ledger.{table} l order by l.ledger_id"
    )


def _payments() -> list[str]:
    """Each settles one of the invoices that are paid in whole or in half, ten to ninety days after its day."""
    settled = "i / 2 * 3 + case when i % 2 = 0 then 3 else 1 end"
    return [
        f"""
        create temp table settling as
        select i, v.ledger_id as invoice_id, v.customer_id, v.currency, v.exchange_rate,
               v.issue_date + (10 + i % 80)::int as day, v.total_amount - v.open_amount as amount
          from generate_series(1, {_n("payments")}) i join ledger.invoices v on v.ledger_id = {settled}
        """,
        "insert into ledger.payments (ledger_id, tenant_id, customer_id, payment_date, reference_number, currency, "
        "exchange_rate, total_amount, applied_amount, unapplied_amount, method_code, changed_by, connection) "
        f"overriding system value select i, '{TENANT}', customer_id, day, 'P-' || i, currency, exchange_rate, amount, "
        f"amount, 0, 'CHECK', 'sync:{CONNECTION}', '{CONNECTION}' from settling order by settling.i",
        "insert into ledger.payment_applications (payment_id, part_key, tenant_id, position, document_entity, "
        f"document_id, document_key, amount) select i, '1', '{TENANT}', 1, 'invoices', invoice_id, invoice_id::text, "
        "amount from settling order by settling.i",
        _bind("payments"),
        "insert into reconciliation.documents (connection, entity, external_id, tenant_id, change_seq, is_deleted, "
        "is_readable, party_external_id, document_number, document_date, due_date, currency, exchange_rate, "
        "total_amount, tax_amount, open_amount, is_void, parts_hash, applications) "
        f"select '{CONNECTION}', 'payments', i::text, '{TENANT}', i, false, true, customer_id::text, 'P-' || i, day, "
        "null, currency, exchange_rate, amount, 0, 0, false, md5('1|invoices|' || invoice_id || '|' || "
        "trim_scale(amount)), jsonb_build_array(jsonb_build_object('entity', 'invoices', 'key', invoice_id::text, "
        "'amount', amount::text)) from settling order by settling.i",
        _mirrored("payments"),
        "drop table settling",
    ]


_STATEMENTS = [
    f"insert into sync.tenants (tenant_id) values ('{TENANT}') on conflict do nothing",
    "insert into sync.connections (connection, tenant_id, erp, settings, partition_key, company_name, home_currency, "
    f"pull_interval_seconds) values ('{CONNECTION}', '{TENANT}', 'quickbooks', '{{}}', '{CONNECTION}', 'Million Ltd', "
    f"'{HOME_CURRENCY}', 300)",
    *_master("customers", "customers", "name, currency, billing_country", "'Customer ' || i, 'USD', 'US'"),
    *_master("vendors", "vendors", "name, currency, billing_country", "'Vendor ' || i, 'USD', 'US'"),
    *_master("items", "items", "name, sku, kind", "'Item ' || i, 'SKU' || i, 'service'"),
    *_documents("invoices", "invoice_lines", "invoice_id", "customer", "customers", "invoices"),
    *_documents("bills", "bill_lines", "bill_id", "vendor", "vendors", "bills"),
    *_payments(),
    f"""
    insert into ledger.purchase_orders (ledger_id, tenant_id, vendor_id, document_number, issue_date, status, currency,
      net_amount, tax_amount, total_amount, changed_by, connection) overriding system value
    select i, '{TENANT}', i % {_n("vendors")} + 1, 'PO-' || i, {_DAY}, case i % 2 when 0 then 'open' else 'closed' end,
           'USD', i % 5000, 0, i % 5000, 'sync:{CONNECTION}', '{CONNECTION}' from generate_series(1, {_n("orders")}) i
    """,
    _bind("purchase_orders"),
]
