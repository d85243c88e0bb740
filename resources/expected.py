"""What has to hold of one connection's rows of an entity: expectations read off its spec, and the query they look at.

Belongs here: which expectations there are, and the one statement that shows every row with a true or false for each.
Running them is `quality.py`. Nothing here is written for a single entity: rules, references, sums, currencies, days and
shares stand in `ledger/entities/`.

A column is true where an expectation holds, false where it does not, and null where it says nothing of a row. Besides
the entity's rows there are rows for what belongs to none: parts without their record, bindings without their row, and
how long ago the entity was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg import sql

from ledger.currencies import CURRENCIES
from ledger.spec import EntitySpec, FieldSpec, PartSpec, RefersTo, RefersToAny, entities, parent_column

KEY = "row_key"
# A row that names no connection is the tenant's only one's, as `edits.py` has it.
_ONLY_ONE = """(select min(c.connection) from sync.connections c
  where c.tenant_id = sync.current_tenant() and c.state <> 'removed' having count(*) = 1)"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator decides: how far ahead a document may be dated, and how long ago an entity may be read."""

    future_days_max: int = 366
    stale_hours_max: int = 26


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation. `expression` is SQL over the row `l`; None for what other rows than the entity's say.

    `share_min`: it has to hold for this share of the rows, else for all. `shows` are the columns a reader wants to see
    of a row that breaks it.
    """

    name: str
    says: str
    expression: str | None
    is_blocking: bool = True
    share_min: Decimal | None = None
    is_unique: bool = False
    shows: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        return KEY if self.is_unique else f"ok_{self.name}"


def expectations_of(spec: EntitySpec, limits: Limits, *, is_read: bool = True) -> list[Expected]:
    """What must hold, in the order in which it is shown. `is_read`: the connection's ERP has the entity to read."""
    found = [
        Expected("key_is_unique", "each record is in the ledger once", None, is_unique=True),
        *_of_fields(spec, limits),
        *(
            Expected(rule.name, rule.says, f"({_bare(rule.sql)})", rule.is_blocking, shows=_named_in(spec, rule.sql))
            for rule in spec.rules
        ),
        *(one for part in spec.parts for one in _of_part(spec, part)),
    ]
    if not spec.is_document:
        names = " and ".join(spec.natural_key)
        key = ", ".join(f"l.{name}" for name in spec.natural_key)
        found.append(
            Expected(
                "natural_key_is_unique",
                f"no two {spec.name} have the same {names}",
                f"count(*) over (partition by {key}) = 1",
                is_blocking=False,
                shows=spec.natural_key,
            )
        )
    if spec.bound_share_min is not None:
        found.append(
            Expected(
                "has_an_erp_id",
                f"at least {spec.bound_share_min:.0%} of the {spec.name} are known to the ERP",
                "l.external_id is not null",
                share_min=spec.bound_share_min,
            )
        )
    found.append(
        Expected("no_orphans", "no line or application is without its record, and no binding without its row", None)
    )
    if is_read:
        found.append(
            Expected(
                "watermark_is_fresh",
                f"the ERP's {spec.name} were read less than {limits.stale_hours_max} hours ago",
                None,
                shows=("watermark", "pulled_at"),
            )
        )
    return found


def _of_fields(spec: EntitySpec, limits: Limits) -> list[Expected]:
    found: list[Expected] = []
    for f in spec.fields:
        if f.choices:
            words = ", ".join(f"'{word}'" for word in f.choices)
            found.append(
                Expected(
                    f"{f.name}_is_known", f"{f.name} is one of {words}", f"l.{f.column} in ({words})", shows=(f.column,)
                )
            )
        if isinstance(f.reference, RefersTo):
            found.append(
                Expected(
                    f"{f.name}_resolves",
                    f"the {f.name} is in the ledger",
                    f"l.{f.column} is null or {_joined(f)}.ref is not null",
                    shows=(f.column,),
                )
            )
            if spec.is_document:
                found.append(
                    Expected(
                        f"{f.name}_is_live",
                        f"the {f.name} has not been deleted",
                        f"{_joined(f)}.is_gone is not true",
                        is_blocking=False,
                        shows=(f.column,),
                    )
                )
        if f.is_currency:
            codes = ", ".join(f"'{code}'" for code in sorted(CURRENCIES))
            found.append(
                Expected(
                    f"{f.name}_is_in_iso_4217",
                    f"the {f.name} is one there is",
                    f"l.{f.column} in ({codes})",
                    shows=(f.column,),
                )
            )
        if f.is_document_day:
            found.append(
                Expected(
                    f"{f.name}_is_not_too_far_ahead",
                    f"the {f.name} is at most {limits.future_days_max} days ahead",
                    f"l.{f.column} <= current_date + {limits.future_days_max}",
                    shows=(f.column,),
                )
            )
        if f.sum_of:
            found.append(
                Expected(
                    f"{f.name}_is_the_sum_of_its_{f.sum_of.part}",
                    f"the {f.sum_of.part} add up to the {f.name}",
                    f"l.{f.column} = coalesce({f.sum_of.part}.sum_of_{f.name}, 0)"
                    + (" or l.is_void" if any(one.name == "is_void" for one in spec.fields) else ""),
                    shows=(f.column,),
                )
            )
    return found


def _of_part(spec: EntitySpec, part: PartSpec) -> list[Expected]:
    found: list[Expected] = []
    for f in part.fields:
        if isinstance(f.reference, RefersTo):
            found.append(
                Expected(
                    f"{part.name}_{f.name}_resolves",
                    f"the {f.name} of each of its {part.name} is in the ledger",
                    f"{part.name}.{f.name}_resolves is not false",
                )
            )
        if isinstance(f.reference, RefersToAny):
            found.append(
                Expected(
                    f"{part.name}_resolve",
                    f"every document its {part.name} name is in the ledger",
                    f"{part.name}.{f.name}_resolves is not false",
                )
            )
    return found


def _bare(rule: str) -> str:
    """A rule names columns alone; the percent sign of a pattern would be taken for a parameter."""
    return rule.replace("%", "%%")


def _named_in(spec: EntitySpec, rule: str) -> tuple[str, ...]:
    words = set(rule.replace("(", " ").replace(")", " ").replace(",", " ").split())
    return tuple(f.column for f in spec.fields if f.column in words)


def _joined(f: FieldSpec) -> str:
    return f"ref_{f.name}"


def called(spec: EntitySpec) -> str:
    """The column by which people call a row: its number, or its name."""
    names = {f.name for f in spec.fields}
    return next(name for name in ("document_number", "reference_number", "name") if name in names)


def rows_query(spec: EntitySpec, connection: str, expected: Sequence[Expected], limits: Limits) -> str:
    """The connection's live rows, and what belongs to none, with a column for each expectation.

    Parts without a record have no connection: they show with every connection of the tenant.
    """
    of_rows = [one for one in expected if one.expression is not None]
    others = [one for one in expected if one.expression is None and not one.is_unique]
    columns = [f"coalesce({one.expression}, false) as {one.column}" for one in of_rows]
    columns += [f"null::boolean as {one.column}" for one in others]
    name = sql.Literal(connection).as_string(None)
    mine = (
        f"select l.*, b.external_id from ledger.{spec.name} l left join sync.bindings b on b.connection = {name} "
        f"and b.entity = '{spec.name}' and b.ledger_id = l.ledger_id "
        f"where not l.is_deleted and coalesce(b.connection, l.connection, {_ONLY_ONE}) = {name}"
    )
    queries = [
        f"select l.ledger_id::text as {KEY}, {', '.join(columns)} from mine l {' '.join(_joins(spec))}",
        *(
            f"select {key} as {KEY}, {', '.join(['null::boolean'] * len(of_rows))}, "
            + ", ".join(holds if one.name == about else "null" for one in others)
            + f" {rest}"
            for about, key, holds, rest in _other_rows(spec, name, limits)
            if about in {one.name for one in others}
        ),
    ]
    # Great Expectations takes nothing that begins with another word than "select".
    return f"select * from (with mine as ({mine}) {' union all '.join(queries)}) suite_rows"


def _joins(spec: EntitySpec) -> list[str]:
    joins = [
        f"left join (select ledger_id as ref, is_deleted as is_gone from ledger.{f.reference.entity}) {_joined(f)} "
        f"on {_joined(f)}.ref = l.{f.column}"
        for f in spec.fields
        if isinstance(f.reference, RefersTo)
    ]
    for part in spec.parts:
        parent = parent_column(spec)
        joins.append(
            f"left join (select p.{parent} as part_of, {', '.join(_sums(spec, part))} "
            f"from ledger.{spec.part_table_names[part.name]} p {' '.join(_part_joins(spec, part))} "
            f"where p.{parent} in (select ledger_id from mine) group by 1) {part.name} "
            f"on {part.name}.part_of = l.ledger_id"
        )
    return joins


def _sums(spec: EntitySpec, part: PartSpec) -> list[str]:
    found = ["count(*) as part_count"]
    for f in spec.fields:
        if f.sum_of and f.sum_of.part == part.name:
            amount = "p.amount"
            if f.sum_of.less:
                column, words = f.sum_of.less
                listed = ", ".join(f"'{word}'" for word in sorted(words))
                amount = f"case when p.{column} in ({listed}) then -p.amount else p.amount end"
            found.append(f"sum({amount}) as sum_of_{f.name}")
    for f in part.fields:
        if isinstance(f.reference, RefersTo):
            found.append(f"bool_and(p.{f.column} is null or {_joined(f)}.ref is not null) as {f.name}_resolves")
        if isinstance(f.reference, RefersToAny):
            known = ", ".join(f"'{one.name}'" for one in entities())
            found.append(
                f"bool_and(p.{f.reference.entity_field} not in ({known}) or {_joined(f)}.ref is not null) "
                f"as {f.name}_resolves"
            )
    return found


def _part_joins(spec: EntitySpec, part: PartSpec) -> list[str]:
    joins: list[str] = []
    for f in part.fields:
        if isinstance(f.reference, RefersTo):
            joins.append(
                f"left join (select ledger_id as ref from ledger.{f.reference.entity}) {_joined(f)} "
                f"on {_joined(f)}.ref = p.{f.column}"
            )
        if isinstance(f.reference, RefersToAny):
            documents = " union all ".join(
                f"select '{one.name}' as kind, ledger_id as ref from ledger.{one.name}"
                for one in entities()
                if one.is_document and one.side == spec.side
            )
            joins.append(
                f"left join ({documents}) {_joined(f)} on {_joined(f)}.kind = p.{f.reference.entity_field} "
                f"and {_joined(f)}.ref = p.{f.column}"
            )
    return joins


def _other_rows(spec: EntitySpec, connection: str, limits: Limits) -> list[tuple[str, str, str, str]]:
    """(expectation, key, whether it holds, from where): what is no row of the entity."""
    found = [
        (
            "no_orphans",
            "'bindings/' || b.external_id",
            "false",
            f"from sync.bindings b where b.connection = {connection} and b.entity = '{spec.name}' "
            f"and not exists (select from ledger.{spec.name} r where r.ledger_id = b.ledger_id)",
        )
    ]
    for table in spec.part_table_names.values():
        found.append(
            (
                "no_orphans",
                f"'{table}/' || p.part_id",
                "false",
                f"from ledger.{table} p where not exists "
                f"(select from ledger.{spec.name} r where r.ledger_id = p.{parent_column(spec)})",
            )
        )
    found.append(
        (
            "watermark_is_fresh",
            f"'cursors/{spec.name}'",
            f"coalesce((select c.watermark is not null and c.pulled_at > now() - interval '{limits.stale_hours_max} "
            f"hours' from sync.cursors c where c.connection = {connection} and c.entity = '{spec.name}'), false)",
            "",
        )
    )
    return found
