"""The views of schema `analytics` that follow from the entity specs, as text: adding an entity adds its views.

Belongs here: every entity and every part of one as analysts read it (names beside ids, amounts in the home currency),
what is open in either module, and its ageing. What a text has to look like is in `views.py`.

Parties, items and companies are joined by their keys from the left, so that a query which does not ask for a name does
not pay for it: PostgreSQL then leaves the join out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from ledger.ageing import AGEING, OVER_90
from ledger.money import unusual_minor_digits
from ledger.reconcile import MODULES, Module
from ledger.spec import EntitySpec, FieldSpec, PartSpec, RefersTo, entities, parent_column
from resources.stores.documents import Shape, shapes_of

_TYPES = {str: "text", int: "bigint", bool: "boolean", Decimal: "numeric", date: "date"}
# Whose day it is: the books have no time zone of their own.
TODAY = "(now() at time zone 'utc')::date"


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    sql: str
    type: str
    says: str
    sources: tuple[str, ...] = ()


def conformed_views() -> Iterator[str]:
    """The text of each."""
    for spec in entities():
        yield _of_entity(spec)
        for part in spec.parts:
            yield _of_part(spec, part)
    yield _open_documents()
    for module in MODULES.values():
        yield _ageing(module)


def _text(name: str, says: str, columns: list[_Column], source: str) -> str:
    listed = ",\n       ".join(f"{c.sql} as {c.name}" for c in columns)
    return f"create view analytics.{name} as\nselect {listed}\n{source};\n" + _comments(name, says, columns)


def _comments(name: str, says: str, columns: list[_Column]) -> str:
    lines = [f"comment on view analytics.{name} is {_quoted(says)};"]
    for c in columns:
        origin = f" from {', '.join(c.sources)}" * bool(c.sources)
        lines.append(f"comment on column analytics.{name}.{c.name} is {_quoted(c.says)}; -- {c.type}{origin}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "." * (not text.endswith("."))


# -- entities and their parts ------------------------------------------------------------------------------------------


def _of_entity(spec: EntitySpec) -> str:
    table = f"ledger.{spec.name}"
    columns = [
        _Column(f"{_singular(spec.name)}_id", "l.ledger_id", "bigint", "Our own id.", (f"{table}.ledger_id",)),
        *_whose(table),
        *_fields(spec.fields, table, "l"),
        *(_home_amounts(spec, table) if spec.is_document else ()),
        _Column(
            "changed_at", "l.changed_at", "timestamp with time zone", "Last change here.", (f"{table}.changed_at",)
        ),
    ]
    source = f"  from {table} l\n{_joins(spec.fields, 'l')}{_COMPANY} where not l.is_deleted"
    return _text(spec.name, f"{spec.says} Deleted ones are left out.", columns, source)


def _of_part(spec: EntitySpec, part: PartSpec) -> str:
    name, parent = spec.part_table_names[part.name], parent_column(spec)
    table, whole = f"ledger.{name}", f"ledger.{spec.name}"
    parties = [f for f in spec.fields if isinstance(f.reference, RefersTo)]
    heads = [f for f in spec.fields if f.name in ("document_number", "issue_date", "payment_date", "currency")]
    columns = [
        _Column(f"{_singular(name)}_id", "q.part_id", "bigint", "Our own id of it.", (f"{table}.part_id",)),
        *_whose(whole, table),
        _Column(
            parent, f"q.{parent}", "bigint", f"The {_word(_singular(spec.name))} it is of.", (f"{table}.{parent}",)
        ),
        *_fields([*parties, *heads], whole, "l"),
        *_fields(part.fields, table, "q", taken={f.column for f in [*parties, *heads]}),
    ]
    if any(f.name == "is_void" for f in spec.fields):
        columns.append(_Column("is_void", "l.is_void", "boolean", "The whole document is void.", (f"{whole}.is_void",)))
    joins = _joins(parties, "l") + _joins(part.fields, "q", taken={f.column for f in parties})
    # The whole is joined from the left as well: that it is not deleted is asked of the few that are.
    source = (
        f"  from {table} q\n  left join {whole} l on l.ledger_id = q.{parent}\n{joins}{_COMPANY}"
        f" where not exists (select from {whole} d where d.ledger_id = q.{parent} and d.is_deleted)"
    )
    return _text(name, f"{_sentence(part.says)} With what is said of the whole beside it.", columns, source)


def _whose(table: str, part_table: str | None = None) -> Iterator[_Column]:
    tenant = "q.tenant_id" if part_table else "l.tenant_id"
    yield _Column("tenant_id", tenant, "text", "Whose books.", (f"{part_table or table}.tenant_id",))
    yield _Column("connection", "l.connection", "text", "The ERP company it belongs to.", (f"{table}.connection",))
    yield _Column("erp", "c.erp", "text", "The product that company runs.", ("sync.connections.erp",))


_COMPANY = "  left join sync.connections c on c.connection = l.connection\n"


def _fields(
    fields: list[FieldSpec] | tuple[FieldSpec, ...], table: str, alias: str, taken: set[str] | None = None
) -> Iterator[_Column]:
    for f in fields:
        # A purchase's line may name a customer as its document names a vendor, but never the same party twice.
        prefix = "line_" if taken and f.column in taken else ""
        source = (f"{table}.{f.column}",)
        if f.reference is None:
            yield _Column(prefix + f.name, f"{alias}.{f.column}", _TYPES[f.kind], _says(f), source)
            continue
        yield _Column(prefix + f.column, f"{alias}.{f.column}", "bigint", _says(f), source)
        if isinstance(f.reference, RefersTo):
            name = f"{prefix}{f.name}_name"
            joined = f"ledger.{f.reference.entity}.name"
            yield _Column(name, f"{prefix}{f.name}.name", "text", f"Name of the {_word(f.name)}.", (joined,))


def _joins(fields: list[FieldSpec] | tuple[FieldSpec, ...], alias: str, taken: set[str] | None = None) -> str:
    found = ""
    for f in fields:
        if isinstance(f.reference, RefersTo):
            as_name = ("line_" if taken and f.column in taken else "") + f.name
            found += f"  left join ledger.{f.reference.entity} {as_name} on {as_name}.ledger_id = {alias}.{f.column}\n"
    return found


def _says(f: FieldSpec) -> str:
    if f.says:
        return _sentence(f.says)
    if isinstance(f.reference, RefersTo):
        return f"Ledger id of the {_word(f.name)}."
    if f.code_list:
        return f"Our word for it, of the list {f.code_list}."
    if f.name == "currency":
        return "ISO 4217; amounts of different currencies are never added."
    choices = f": {', '.join(f.choices)}" * bool(f.choices)
    if f.kind is bool:
        return f"Whether it is {_word(f.name.removeprefix('is_'))}."
    return f"The {_word(f.name)}{choices}{', in the document’s currency' * f.name.endswith('_amount')}."


def _home_amounts(spec: EntitySpec, table: str) -> Iterator[_Column]:
    yield _Column("home_currency", "c.home_currency", "text", "What that company keeps its books in.", (_HOME,))
    names = {f.name for f in spec.fields}
    for name in ("total_amount", "open_amount", "unapplied_amount"):
        if name in names:
            yield _Column(
                name.replace("_amount", "_home_amount"),
                home_amount(f"l.{name}", "l.currency", "l.exchange_rate", "c.home_currency"),
                "numeric",
                f"The {_word(name)} at the document's own rate; empty where a rate is missing.",
                (f"{table}.{name}", f"{table}.currency", f"{table}.exchange_rate", _HOME),
            )


_HOME = "sync.connections.home_currency"


def home_amount(amount: str, currency: str, rate: str, home: str) -> str:
    """What an amount is worth at home, as SQL: foreign money at a rate of 1 has none, and nothing is then known."""
    unusual: dict[int, list[str]] = {}
    for code, digits in unusual_minor_digits().items():
        unusual.setdefault(digits, []).append(_quoted(code))
    cases = " ".join(f"when {home} in ({', '.join(codes)}) then {digits}" for digits, codes in unusual.items())
    return (
        f"case when {currency} = {home} then {amount} when {rate} = 1 then null "
        f"else round({amount} * {rate}, case {cases} else 2 end) end"
    )


def _singular(name: str) -> str:
    return name.removesuffix("s")


def _word(name: str) -> str:
    return name.replace("_", " ")


# -- what is open, and for how long ------------------------------------------------------------------------------------


def _open_documents() -> str:
    shapes = [(module, shape) for module in MODULES.values() for shape in shapes_of(module)]

    def of(*fields: str) -> tuple[str, ...]:
        """Where these attributes of a shape stand in each table that has them."""
        return tuple(
            f"ledger.{shape.entity}.{column}"
            for field in fields
            for _, shape in shapes
            if (column := getattr(shape, field, None) or (None if field in Shape.__slots__ else field))
        )

    parties = tuple(f"ledger.{module.party}.name" for module in MODULES.values())
    ids = tuple(f"ledger.{shape.entity}.{shape.party}_id" for _, shape in shapes)
    money = ("currency", "exchange_rate")
    columns = [
        _Column("module", "", "text", "ar: receivable, ap: payable."),
        _Column("document_kind", "", "text", "The entity it is: " + ", ".join(s.entity for _, s in shapes) + "."),
        _Column("document_id", "", "bigint", "Its ledger id, under that entity.", of("ledger_id")),
        _Column("tenant_id", "", "text", "Whose books.", of("tenant_id")),
        _Column("connection", "", "text", "The ERP company it belongs to.", of("connection")),
        _Column("document_number", "", "text", "Its number, or that of the cheque or transfer.", of("number")),
        _Column("party_id", "", "bigint", "Ledger id of the customer or vendor.", ids),
        _Column("party_name", "", "text", "Name of the customer or vendor.", parties),
        _Column("issue_date", "", "date", "Its day.", of("day")),
        _Column("due_date", "", "date", "When it is due; empty for credits and payments.", of("due")),
        _Column("currency", "", "text", "ISO 4217; amounts of different currencies are never added.", of("currency")),
        _Column("total_amount", "", "numeric", "The whole; negative for credits and payments.", of("total_amount")),
        _Column("open_amount", "", "numeric", "What is still owed, or not applied yet (negative).", of("open")),
        _Column("home_currency", "", "text", "What that company keeps its books in.", (_HOME,)),
        _Column(
            "open_home_amount",
            "",
            "numeric",
            "The open amount at the document's own rate; empty where a rate is missing.",
            (*of("open", *money), _HOME),
        ),
        _Column(
            "days_past_due",
            "",
            "integer",
            "Days since it was due, or since its day; negative: not due yet.",
            of("due", "day"),
        ),
        _Column(
            "bucket", "", "text", f"By days past due: {', '.join([t for t, _ in AGEING])}, {OVER_90}.", of("due", "day")
        ),
    ]
    text = "\nunion all\n".join(_open_of(module, shape) for module, shape in shapes)
    says = "Every open document, receivable and payable; credits and unapplied payments negative."
    return f"create view analytics.open_documents as\n{text};\n" + _comments("open_documents", says, columns)


def _open_of(module: Module, shape: Shape) -> str:
    sign = "-" * (shape.sign < 0)
    due = f"l.{shape.due}" if shape.due else "null::date"
    past = f"{TODAY} - " + (f"coalesce(l.{shape.due}, l.{shape.day})" if shape.due else f"l.{shape.day}")
    buckets = " ".join(f"when {past} <= {last} then {_quoted(title)}" for title, last in AGEING)
    home = home_amount(f"{sign}l.{shape.open}", "l.currency", "l.exchange_rate", "c.home_currency")
    kind = f"{_quoted(module.name)} as module, {_quoted(shape.entity)} as document_kind"
    return f"""select {kind}, l.ledger_id as document_id, l.tenant_id, l.connection,
       l.{shape.number} as document_number, l.{shape.party}_id as party_id, p.name as party_name,
       l.{shape.day} as issue_date, {due} as due_date, l.currency, {sign}l.total_amount as total_amount,
       {sign}l.{shape.open} as open_amount, c.home_currency, {home} as open_home_amount,
       {past} as days_past_due, case {buckets} else {_quoted(OVER_90)} end as bucket
  from ledger.{shape.entity} l
  left join ledger.{module.party} p on p.ledger_id = l.{shape.party}_id
{_COMPANY} where not l.is_deleted and l.{shape.open} <> 0"""


def _ageing(module: Module) -> str:
    """Added up by ids first: names are looked up for a party at a time, not for a document."""
    name, party, view = f"{module.name}_aging", module.party.removesuffix("s"), "analytics.open_documents"
    amount = f"{view}.open_amount"
    keys = [
        _Column("tenant_id", "p.tenant_id", "text", "Whose books.", (f"ledger.{module.party}.tenant_id",)),
        _Column("connection", "o.connection", "text", "The ERP company.", (f"{view}.connection",)),
        _Column(f"{party}_id", "o.party_id", "bigint", f"Ledger id of the {party}.", (f"{view}.party_id",)),
        _Column(f"{party}_name", "p.name", "text", f"Name of the {party}.", (f"ledger.{module.party}.name",)),
        _Column("currency", "o.currency", "text", "ISO 4217; never added to another.", (f"{view}.currency",)),
    ]
    sums: list[tuple[_Column, str]] = []
    after: int | None = None
    for title, last in [*AGEING, (OVER_90, None)]:
        from_day = None if after is None else f"days_past_due > {after}"
        to_day = None if last is None else f"days_past_due <= {last}"
        chosen = " and ".join(filter(None, (from_day, to_day)))
        says = "Not due yet." if after is None else f"{title} days past due.".capitalize()
        column = _Column(bucket_column(title), "", "numeric", says, (amount, f"{view}.days_past_due"))
        sums.append((column, f"coalesce(sum(open_amount) filter (where {chosen}), 0)"))
        after = last
    since = (f"{view}.due_date", f"{view}.issue_date")
    sums += [
        (_Column("open_amount", "", "numeric", "All of it together.", (amount,)), "sum(open_amount)"),
        (
            _Column(
                "open_home_amount",
                "",
                "numeric",
                "All of it in the home currency; empty where a rate is missing.",
                (f"{view}.open_home_amount",),
            ),
            "case when count(open_home_amount) = count(*) then sum(open_home_amount) end",
        ),
        (_Column("document_count", "", "bigint", "How many documents it is."), "count(*)"),
        (
            _Column("oldest_due_date", "", "date", "Since when something is due.", since),
            "min(coalesce(due_date, issue_date))",
        ),
    ]
    inner = ",\n         ".join(f"{expression} as {column.name}" for column, expression in sums)
    source = (
        f"  from (\n  select connection, party_id, currency,\n         {inner}\n    from {view}\n"
        f"   where module = {_quoted(module.name)} group by party_id, currency, connection\n"
        f"  ) o join ledger.{module.party} p on p.ledger_id = o.party_id"
    )
    columns = [*keys, *(replace(column, sql=f"o.{column.name}") for column, _ in sums)]
    says = f"{module.title} by {party}, currency and days past due, as it stands today (UTC); credits are negative."
    return _text(name, says, columns, source)


def bucket_column(title: str) -> str:
    """The column of a bucket: current_amount, days_1_30_amount, days_over_90_amount."""
    word = title.replace("-", "_").replace(" ", "_")
    return f"{word}_amount" if title == AGEING[0][0] else f"days_{word}_amount"
