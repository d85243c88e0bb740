"""The assets `ledger/<entity>`: our own book, typed, built from each entity's spec."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import dagster as dg

from assets.keys import OWNERS, group_of, ledger_key, mirror_key
from ledger.spec import EntitySpec, FieldSpec, RefersTo

_TYPES = {str: "text", int: "bigint", bool: "boolean", Decimal: "numeric", date: "date"}


def ledger_spec(spec: EntitySpec) -> dg.AssetSpec:
    """One entity of the ledger, downstream of its mirror and of the entities it refers to."""
    return dg.AssetSpec(
        key=ledger_key(spec.name),
        deps=[mirror_key(spec.name), *[ledger_key(name) for name in spec.references]],
        description=f"{spec.title}. {spec.says}",
        group_name=group_of(spec.name),
        kinds={"ledger", "postgres"},
        owners=OWNERS,
        tags={"tieout/stage": "ledger"},
        skippable=True,
        metadata={
            "dagster/column_schema": column_schema(spec),
            "dagster/table_name": f"ledger.{spec.name}",
            "natural_key": ", ".join(spec.natural_key),
            "rules": dg.MetadataValue.md("\n".join(f"- `{r.name}`: {r.says}" for r in spec.rules)),
        },
    )


def _says(field: FieldSpec) -> str | None:
    if isinstance(field.reference, RefersTo):
        return f"{field.says}: " * bool(field.says) + f"ledger id in {field.reference.entity}"
    return field.says or None


def column_schema(spec: EntitySpec) -> dg.TableSchema:
    """The columns of the entity's table, with what each means and what must hold."""
    own = [
        dg.TableColumn(
            field.column,
            "bigint" if field.reference else _TYPES[field.kind],
            description=_says(field),
            constraints=dg.TableColumnConstraints(
                nullable=field.is_optional, other=[f"one of {', '.join(field.choices)}"] if field.choices else None
            ),
        )
        for field in spec.fields
    ]
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                "ledger_id",
                "bigint",
                description="our own id",
                constraints=dg.TableColumnConstraints(nullable=False, unique=True),
            ),
            dg.TableColumn(
                "tenant_id", "text", description="whose books", constraints=dg.TableColumnConstraints(nullable=False)
            ),
            *own,
            dg.TableColumn("is_deleted", "boolean", description="gone in the ERP, kept here"),
            dg.TableColumn("version", "bigint", description="counts every change"),
            dg.TableColumn(
                "changed_by", "text", description="a person, an application, or sync:NAME for the connection NAME"
            ),
            dg.TableColumn("changed_at", "timestamptz", description="when this version began"),
            dg.TableColumn("connection", "text", description="the company it belongs to"),
            dg.TableColumn("run_id", "bigint", description="sync.runs, where the sync wrote it"),
        ],
        constraints=dg.TableConstraints(other=[rule.says for rule in spec.rules]),
    )
