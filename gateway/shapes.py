"""What documents look like over HTTP, made from the entity specs: amounts are texts, references are ledger ids."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model

from ledger.spec import EntitySpec, FieldSpec, PartSpec
from resources.settings import CONNECTION_NAME
from resources.stores.rows import PART_ID

TEXT_CHARACTERS_MAX = 4000
PARTS_MAX = 10_000
# As many as every JSON parser reads exactly.
ID_MAX = 2**53 - 1
AMOUNT = r"-?\d{1,18}(\.\d{1,6})?"
# The tables find these from the rest of a row (docs/write-into-the-ledger.md).
_FOUND_BY_THE_TABLES = frozenset({"status", "document_key", "position"})


def _amount(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(AMOUNT, value, re.ASCII):
        raise ValueError('an amount is a text such as "12.30", with 18 digits before the point and 6 behind it at most')
    return Decimal(value)


def _text(value: str) -> str:
    if any(c == "\0" or 0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise ValueError("a character that no text can have")
    return value


def _day(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(value)


Amount = Annotated[
    Decimal, BeforeValidator(_amount), WithJsonSchema({"type": "string", "pattern": f"^{AMOUNT}$", "example": "12.30"})
]
Text = Annotated[str, Field(max_length=TEXT_CHARACTERS_MAX), AfterValidator(_text)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Id = Annotated[int, Field(ge=1, le=ID_MAX, strict=True)]
Whole = Annotated[int, Field(ge=-ID_MAX, le=ID_MAX, strict=True)]
Flag = Annotated[bool, Field(strict=True)]
_KINDS = {str: Text, int: Whole, bool: Flag, Decimal: Amount, date: Day}


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


@cache
def made_from(spec: EntitySpec) -> type[BaseModel]:
    """What a new row is made from."""
    return _model(spec, f"New{_name(spec)}", is_new=True)


@cache
def changed_by(spec: EntitySpec) -> type[BaseModel]:
    """What a row is changed by: what is absent stays; parts replace all of their kind."""
    return _model(spec, f"Change{_name(spec)}", is_new=False)


@cache
def shown_as(spec: EntitySpec) -> type[BaseModel]:
    """A row as it is shown."""
    fields: dict[str, Any] = {
        "ledger_id": (Id, ...),
        "connection": (str | None, ...),
        "version": (Whole, ...),
        "changed_by": (str, ...),
        "changed_at": (datetime, ...),
        "is_deleted": (Flag, ...),
    }
    fields |= {field.column: (_type(field), ...) for field in spec.fields}
    for part in spec.parts:
        own: dict[str, Any] = {PART_ID: (Id, ...)} | {field.column: (_type(field), ...) for field in part.fields}
        fields[part.name] = (list[create_model(f"{_name(spec)}{part.name.title()}Shown", **own)], ...)  # type: ignore[misc]
    return create_model(f"{_name(spec)}", **fields)


def taken_apart(spec: EntitySpec, given: BaseModel) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """What was given, by column, and the parts of each kind that was; parts without a position are in their order."""
    values = {name: getattr(given, name) for name in given.model_fields_set}
    parts: dict[str, list[dict[str, Any]]] = {}
    for part in spec.parts:
        if part.name in values:
            listed = values.pop(part.name)
            parts[part.name] = [
                {"position": number, **{name: getattr(one, name) for name in one.model_fields_set}}
                for number, one in enumerate(listed, 1)
            ]
    return values, parts


def _model(spec: EntitySpec, name: str, *, is_new: bool) -> type[BaseModel]:
    fields: dict[str, Any] = {field.column: _given(field, is_required=is_new) for field in spec.fields}
    if is_new:
        pattern = f"^{CONNECTION_NAME.pattern}$"
        says = "the company it belongs to; may be left out where the tenant has one"
        fields["connection"] = (Annotated[str, Field(pattern=pattern)], Field(None, description=says))
    else:
        fields["is_deleted"] = (Flag, Field(None, description="take it off the books; the ERP is told"))
    for part in spec.parts:
        fields[part.name] = (
            Annotated[list[_part_model(spec, part, name, is_new)], Field(max_length=PARTS_MAX)],  # type: ignore[misc]
            Field(None, description=part.says),
        )
    return create_model(name, __base__=_Given, **fields)


def _part_model(spec: EntitySpec, part: PartSpec, name: str, is_new: bool) -> type[BaseModel]:
    fields: dict[str, Any] = {field.column: _given(field, is_required=is_new) for field in part.fields}
    if not is_new:
        fields[PART_ID] = (Id, Field(None, description="of a part that is there; absent: a new one"))
    return create_model(f"{name}{part.name.title()}", __base__=_Given, **fields)


def _given(field: FieldSpec, *, is_required: bool) -> tuple[Any, Any]:
    is_found = field.sum_of or field.rest_of or field.is_optional or field.name in _FOUND_BY_THE_TABLES
    needed = is_required and field.default is msgspec.NODEFAULT and not is_found
    return _type(field), Field(... if needed else None, description=field.says or None)


def _type(field: FieldSpec) -> Any:
    if field.reference is not None:
        kind: Any = Id
    elif field.choices:
        kind = Literal[field.choices]
    else:
        kind = _KINDS[field.kind]
    return kind | None if field.is_optional else kind


def _name(spec: EntitySpec) -> str:
    return "".join(word.title() for word in spec.name.removesuffix("s").split("_"))
