"""What either book says is open with each party on the evening of a day, by days past due.

Belongs here: the statements that add both books up, the ledger's and the mirror's alike, that look up which open
documents the ERP's own report shows otherwise, and that keep the newest ageing. The buckets are `ledger/ageing.py`.

A document counts if it is dated on that day or before. What payments of a later day took of it is put back, and what an
earlier payment settles of a later document is not taken off the payment yet. Credits and unapplied payments are
negative, and age from their own date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import psycopg
from psycopg import sql

from ledger.ageing import AGEING, OVER_90, Aged
from ledger.entities.documents import CREDITS
from ledger.money import minor_digits
from ledger.reconcile import Module, PartyFigure
from ledger.spec import parent_column, spec_of
from resources.connector import ReportedDocument, ReportedParty
from resources.stores.documents import Shape, shapes_of
from resources.stores.documents_read import NOW, Source, ours_query, theirs_query

Book = Literal["ledger", "mirror"]
# A rate that is kept with six decimals gives another home amount than the ERP's own by so much of the amount.
RATE_STEP = Decimal("0.000001")


def ageing(
    tx: psycopg.Connection[Any],
    connection: str,
    module: Module,
    book: Book,
    as_of: date,
    *,
    home_currency: str,
    source: Source = NOW,
    at: datetime | None = None,
) -> list[Aged]:
    """What is open with each party, by currency and bucket; names are the ledger's, empty where it has none.

    `as_of` is the evening that documents and payments are counted to; `source` and `at` are whose knowledge is asked.

    Linear in the connection's documents of the module: the sum itself is what is being checked.
    """
    tx.execute("set local enable_nestloop = off")
    query = sql.SQL(
        """
        select party_external_id, currency, {bucket} as bucket, sum(amount), sum(home_amount),
               bool_or(amount <> 0 and home_amount is null), count(*) filter (where amount <> 0)
          from ({items}) i group by 1, 2, 3 having count(*) filter (where amount <> 0) > 0
        """
    ).format(bucket=_bucket(), items=items(tx, connection, module, book, as_of, home_currency, source, at))
    names = party_names(tx, connection, module, source=source, at=at)
    return [
        Aged(party, names.get(party, ""), currency, bucket, amount, None if lacks_rate else home, number)
        for party, currency, bucket, amount, home, lacks_rate, number in tx.execute(
            query, {"connection": connection, "as_of": as_of, **source.given(at)}
        )
    ]


def party_names(
    tx: psycopg.Connection[Any], connection: str, module: Module, *, source: Source = NOW, at: datetime | None = None
) -> dict[str, str]:
    """External id -> name of the connection's customers or vendors, those without one by `#` and the ledger id."""
    query = sql.SQL(
        "select coalesce(b.external_id, '#' || p.ledger_id), p.name from {parties} p "
        "left join {bindings} b on b.connection = %(connection)s and b.entity = {name} and b.ledger_id = p.ledger_id"
    ).format(parties=source.ledger(module.party), bindings=source.bindings, name=sql.Literal(module.party))
    return dict(tx.execute(query, {"connection": connection, **source.given(at)}).fetchall())


def party_figures(
    tx: psycopg.Connection[Any],
    connection: str,
    module: Module,
    *,
    book: Book = "ledger",
    source: Source = NOW,
    at: datetime | None = None,
) -> list[PartyFigure]:
    """What a book says each party owes, whatever its documents' dates, by currency; nothing owed is left out.

    Linear in the connection's documents: the sum itself is what is being checked.
    """
    # After a first sync the planner has no statistics yet and would join the whole book row by row, for minutes.
    tx.execute("set local enable_nestloop = off")
    names = party_names(tx, connection, module, source=source, at=at)
    rows = tx.execute(
        sql.SQL(
            "select party_external_id, currency, sum(sign * open) from ({}) d where open <> 0 group by 1, 2"
        ).format(_documents(module, book, source)),
        {"connection": connection, **source.given(at)},
    )
    return [PartyFigure(party, names.get(party, ""), currency, amount) for party, currency, amount in rows]


def without_rate(
    tx: psycopg.Connection[Any],
    connection: str,
    module: Module,
    home_currency: str,
    *,
    source: Source = NOW,
    at: datetime | None = None,
) -> dict[str, int]:
    """Foreign currency -> how many open documents of the ledger have no rate: 1 is what one without says."""
    rows = tx.execute(
        sql.SQL(
            "select currency, count(*) from ({docs}) d where currency <> %(home)s and rate = 1 and open <> 0 group by 1"
        ).format(docs=_documents(module, "ledger", source)),
        {"connection": connection, "home": home_currency, **source.given(at)},
    )
    return dict(rows.fetchall())


def shown_otherwise(
    tx: psycopg.Connection[Any],
    connection: str,
    module: Module,
    reported: Iterable[ReportedDocument],
    as_of: date,
    *,
    home_currency: str,
    asked_parties: Sequence[str] | None = None,
) -> list[tuple[str, str]]:
    """(entity, id) of the documents that the ERP's report shows otherwise than the mirror: open amount, party, due day.

    `asked_parties`: only documents of these parties can be missing in the report. A foreign document may differ by what
    its rate was rounded; one without a rate is not compared. Documents of kinds that are not synced are left out.
    """
    tx.execute("drop table if exists pg_temp.reported_documents")
    tx.execute(
        "create temp table reported_documents "
        "(entity text, external_id text, party text, due date, home_amount numeric) on commit drop"
    )
    with tx.cursor() as cursor, cursor.copy("copy pg_temp.reported_documents from stdin") as copy:
        for one in reported:
            if one.entity is not None:
                copy.write_row((one.entity, one.external_id, one.party_external_id, one.due_date, one.home_amount))
    query = sql.SQL(
        """
        select coalesce(r.entity, i.entity), coalesce(r.external_id, i.external_id)
          from (select entity, external_id, max(party) as party, max(due) as due, sum(home_amount) as home_amount
                  from pg_temp.reported_documents group by 1, 2) r
          full join (select * from ({items}) all_items where amount <> 0) i
            on i.entity = r.entity and i.external_id = r.external_id
         where case when r.entity is null then %(parties)s::text[] is null or i.party_external_id = any(%(parties)s)
                    when i.entity is null then true
                    when r.party <> i.party_external_id or r.due <> coalesce(i.due, i.day) then true
                    when i.home_amount is null then false
                    else abs(r.home_amount - i.home_amount)
                         > case when i.currency = {home} then 0 else 0.01 + abs(i.amount) * {step} end end
        """
    ).format(
        items=items(tx, connection, module, "mirror", as_of, home_currency),
        home=sql.Literal(home_currency),
        step=sql.Literal(RATE_STEP),
    )
    parties = None if asked_parties is None else list(asked_parties)
    return tx.execute(query, {"connection": connection, "as_of": as_of, "parties": parties}).fetchall()


def keep(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    module: str,
    as_of: date,
    home_currency: str,
    books: Mapping[str, Sequence[Aged]],
    reported: Sequence[ReportedParty] | None,
    run_id: int | None,
) -> None:
    """Replace the module's ageing by this one; what the ERP did not report is not there."""
    tx.execute("delete from reconciliation.ageing where connection = %s and module = %s", (connection, module))
    rows: list[tuple[Any, ...]] = [
        (book, r.party_external_id, r.party_name, r.bucket, r.currency, r.amount, r.home_amount, r.document_count)
        for book, found in books.items()
        for r in found
    ]
    rows += [
        ("erp", party.external_id, party.name, bucket, None, None, amount, None)
        for party in reported or ()
        for bucket, amount in party.buckets.items()
    ]
    with tx.cursor() as cursor:
        # Row-level security and COPY exclude each other; executemany sends them in one go all the same.
        cursor.executemany(
            "insert into reconciliation.ageing (tenant_id, connection, module, as_of, home_currency, run_id, book, "
            "party_external_id, party_name, bucket, currency, amount, home_amount, document_count) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(tenant, connection, module, as_of, home_currency, run_id, *row) for row in rows],
        )


# -- both books as the same rows ---------------------------------------------------------------------------------------


def _bucket() -> sql.Composed:
    days = sql.SQL("%(as_of)s::date - coalesce(due, day)")
    cases = [
        sql.SQL("when {days} <= {last} then {title}").format(
            days=days, last=sql.Literal(last), title=sql.Literal(title)
        )
        for title, last in AGEING
    ]
    return sql.SQL("case {} else {} end").format(sql.SQL(" ").join(cases), sql.Literal(OVER_90))


def _documents(module: Module, book: Book, source: Source = NOW) -> sql.Composed:
    return sql.SQL(" union all ").join(_of_one_entity(shape, book, source) for shape in shapes_of(module))


def _of_one_entity(shape: Shape, book: Book, source: Source) -> sql.Composed:
    rows = ours_query(shape, source=source) if book == "ledger" else theirs_query(shape, source=source)
    key = sql.SQL("coalesce(external_id, '#' || ledger_id)" if book == "ledger" else "external_id")
    return sql.SQL(
        "select {entity} as entity, {key} as external_id, {row} as ledger_id, party_external_id, currency, "
        "exchange_rate as rate, document_number as number, document_date as day, due_date as due, "
        "total_amount as total, tax_amount as tax, open_amount as open, is_void, {sign} as sign from ({rows}) d"
    ).format(
        entity=sql.Literal(shape.entity),
        key=key,
        row=sql.SQL("ledger_id" if book == "ledger" else "null::bigint"),
        sign=sql.Literal(shape.sign),
        rows=rows,
    )


def _applications(module: Module, book: Book, source: Source) -> sql.Composed:
    """payer entity, payer id, its day, document entity, document id, amount."""
    payers = [shape for shape in shapes_of(module) if shape.part == "applications"]
    if book == "mirror":
        query = (
            "select d.entity as payer_entity, d.external_id as payer_id, d.document_date as payer_day, "
            "a.entity as entity, a.key as external_id, a.amount from {} d, "
            "jsonb_to_recordset(d.applications) as a (entity text, key text, amount numeric) "
            "where d.connection = %(connection)s and d.entity = any({}) and not d.is_deleted and d.is_readable "
            "and not d.is_void"
        )
        return sql.SQL(query).format(source.documents, sql.Literal([shape.entity for shape in payers]))
    return sql.SQL(" union all ").join(
        sql.SQL(
            "select {name} as payer_entity, coalesce(b.external_id, '#' || p.ledger_id) as payer_id, "
            "p.{day} as payer_day, a.document_entity as entity, coalesce(t.external_id, a.document_key) "
            "as external_id, a.amount from {entity} p join {table} a on a.{parent} = p.ledger_id "
            "left join {bindings} b on b.connection = %(connection)s and b.entity = {name} "
            "and b.ledger_id = p.ledger_id left join {bindings} t on t.connection = %(connection)s "
            "and t.entity = a.document_entity and t.ledger_id = a.document_id "
            "where not p.is_deleted and not p.is_void and coalesce(b.connection, p.connection) = %(connection)s"
        ).format(
            name=sql.Literal(shape.entity),
            entity=source.ledger(shape.entity),
            bindings=source.bindings,
            day=sql.Identifier(shape.day),
            table=source.ledger(spec_of(shape.entity).part_table_names["applications"]),
            parent=sql.Identifier(parent_column(spec_of(shape.entity))),
        )
        for shape in payers
    )


def items(
    tx: psycopg.Connection[Any],
    connection: str,
    module: Module,
    book: Book,
    as_of: date,
    home_currency: str,
    source: Source = NOW,
    at: datetime | None = None,
) -> sql.Composed:
    """A query for every document dated by then: entity, external_id, ledger_id, party_external_id, currency, rate,
    number, day, due, total, tax, is_void, amount (open on that evening, signed), home_amount.
    """
    documents = _documents(module, book, source)
    row = tx.execute(
        sql.SQL("select exists (select from ({}) d where d.day > %(as_of)s)").format(documents),
        {"connection": connection, "as_of": as_of, **source.given(at)},
    ).fetchone()
    opened = sql.SQL("d.open") if row is None or not row[0] else sql.SQL("d.open + coalesce(b.back, 0)")
    back = sql.SQL("") if row is None or not row[0] else _put_back(documents, _applications(module, book, source))
    return sql.SQL(
        """
        select entity, external_id, ledger_id, party_external_id, currency, rate, number, day, due, total, tax, is_void,
               amount,
               case when currency = {home} then amount when rate = 1 then null
                    else round(amount * rate, {digits}) end as home_amount
          from (select d.entity, d.external_id, d.ledger_id, d.party_external_id, d.currency, d.rate, d.number, d.day,
                       d.due, d.total, d.tax, d.is_void, d.sign * ({opened}) as amount
                  from ({documents}) d {back} where d.day <= %(as_of)s) e
        """
    ).format(
        home=sql.Literal(home_currency),
        digits=sql.Literal(minor_digits(home_currency)),
        opened=opened,
        documents=documents,
        back=back,
    )


def _put_back(documents: sql.Composable, applications: sql.Composable) -> sql.Composed:
    """What each document has to get back to be seen as it was on the evening of `as_of`."""
    return sql.SQL(
        """
        left join (
          select entity, external_id, sum(amount) as back from (
            select a.entity, a.external_id, a.amount from ({applications}) a where a.payer_day > %(as_of)s
            union all
            select a.payer_entity, a.payer_id, case when a.entity = any({credits}) then -a.amount else a.amount end
              from ({applications}) a join ({documents}) s on s.entity = a.entity and s.external_id = a.external_id
             where a.payer_day <= %(as_of)s and s.day > %(as_of)s
          ) taken group by 1, 2
        ) b on b.entity = d.entity and b.external_id = d.external_id
        """
    ).format(applications=applications, documents=documents, credits=sql.Literal(sorted(CREDITS)))
