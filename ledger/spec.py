"""What an entity is: one declarative class per entity, from which tables, mappings, assets, checks and docs are built.

Belongs here: the vocabulary for declaring entities and the registry of them. Does not: any single entity (those are in
`ledger/entities/`), any database type (see `resources/stores/tables.py`) and any ERP (see `resources/erps/`).

A record is an immutable `Record`; its parts (lines, applications) are `Part`s held in a tuple. Field types are a closed
set: str, int, bool, Decimal, date, each optionally `| None`, with `Annotated` markers for what the type cannot say.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec


class Owner(Enum):
    """Whose word counts when both sides changed a field: theirs, ours, or (nobody's) a person's."""

    ERP = "erp"
    LEDGER = "ledger"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class RefersTo:
    """The field holds another record: its external id in canonical form, its ledger id in the tables."""

    entity: str


@dataclass(frozen=True, slots=True)
class RefersToAny:
    """The field holds a record of the entity that the field `entity_field` beside it names."""

    entity_field: str


@dataclass(frozen=True, slots=True)
class Says:
    """What the field means, for column comments, docs and the catalogue."""

    text: str


@dataclass(frozen=True, slots=True)
class TogetherWith:
    """The field is decided with the field `leader` and the others of its kind: where both sides changed any of them,
    all are taken from one side, whom the leader's policy names.
    """

    leader: str


@dataclass(frozen=True, slots=True)
class SumOf:
    """The amount is the sum of the `amount` of these parts; those whose field and value `less` names are taken off."""

    part: str
    less: tuple[str, frozenset[str]] | None = None


@dataclass(frozen=True, slots=True)
class RestOf:
    """The amount is what is left of the amount `whole`, once the amount `less` and what else was settled is off it."""

    whole: str
    less: str | None = None


@dataclass(frozen=True, slots=True)
class CodeOf:
    """The field holds a word for an entry of a list of the ERP: ours in the tables, the ERP's id in canonical form."""

    list: str


@dataclass(frozen=True, slots=True)
class InIso4217:
    """The field holds the code of a currency that there is, or was."""


@dataclass(frozen=True, slots=True)
class DatedOn:
    """The field is the day a document is dated on: it may lie in the future, but not beyond the operator's limit."""


IN_ISO_4217 = InIso4217()
DATED_ON = DatedOn()
# The lists that codes are of; each is mirrored under this name.
CODE_LISTS = ("accounts", "terms", "payment_methods", "tax_codes")


def refers_to(entity: str) -> RefersTo:
    return RefersTo(entity)


def code_of(list_name: str) -> CodeOf:
    """Mark a field as a code; raises SpecError for a list that there is not."""
    if list_name not in CODE_LISTS:
        raise SpecError(f"there is no list {list_name!r} of codes; there are {', '.join(CODE_LISTS)}")
    return CodeOf(list_name)


def together_with(leader: str) -> TogetherWith:
    return TogetherWith(leader)


# A reference is written in canonical form as the external id it has in the ERP.
LedgerId = str
# Exact amounts: 18 digits before and 6 after the point. The currency stands once, in the record's `currency`.
Amount = Decimal
Quantity = Decimal
Rate = Decimal
ExchangeRate = Annotated[Rate, Owner.ERP, Says("home units for one unit of the currency, at the document's date")]


class Record(msgspec.Struct, frozen=True):
    """One record in canonical form. `msgspec.structs.replace` returns a changed copy."""


class Part(msgspec.Struct, frozen=True):
    """One line or application of a record, in the order the ERP shows them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must hold for every row; `sql` is true where it holds and sees the table's own columns.

    It is written in the language of `ledger/rules.py`, which evaluates it on records in memory too.

    A blocking rule keeps the rows that break it, and so the module, from being reconciled; another one only warns.
    """

    name: str
    sql: str
    says: str
    is_blocking: bool = True


@dataclass(frozen=True, slots=True)
class FieldSpec:
    name: str
    kind: type  # str, int, bool, Decimal or date
    is_optional: bool
    default: Any  # msgspec.NODEFAULT where the field is required
    owner: Owner
    says: str
    choices: tuple[str, ...] = ()
    reference: RefersTo | RefersToAny | None = None
    code_list: str | None = None  # one of CODE_LISTS
    leader: str | None = None
    sum_of: SumOf | None = None
    rest_of: RestOf | None = None
    is_currency: bool = False
    is_document_day: bool = False

    @property
    def column(self) -> str:
        """The column that holds it; a reference is stored as the ledger id of what it refers to."""
        return f"{self.name}_id" if self.reference else self.name


@dataclass(frozen=True, slots=True)
class PartSpec:
    """Rows that belong to one record: `lines` or `applications`."""

    name: str
    record: type[Part]
    fields: tuple[FieldSpec, ...]
    says: str


@dataclass(frozen=True, slots=True)
class EntitySpec:
    name: str
    record: type[Record]
    side: Literal["receivables", "payables", "shared"]
    natural_key: tuple[str, ...]
    fields: tuple[FieldSpec, ...]
    parts: tuple[PartSpec, ...]
    rules: tuple[Rule, ...]
    says: str
    order: int = field(default=0)
    bound_share_min: Decimal | None = None
    """At least this share of a connection's rows is known to its ERP; None where nothing is expected."""

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def references(self) -> tuple[str, ...]:
        """The entities this one, or a part of it, refers to by name, without itself."""
        named = [f.reference.entity for f in self.all_fields() if isinstance(f.reference, RefersTo)]
        return tuple(dict.fromkeys(name for name in named if name != self.name))

    def all_fields(self) -> Iterable[FieldSpec]:
        yield from self.fields
        for part in self.parts:
            yield from part.fields

    @property
    def is_document(self) -> bool:
        """Documents carry money and belong to one connection; master data may be bound to several."""
        return any(f.name == "total_amount" for f in self.fields)

    @property
    def part_table_names(self) -> dict[str, str]:
        singular = self.name.removesuffix("s")
        return {part.name: f"{singular}_{part.name}" for part in self.parts}


def parent_column(spec: EntitySpec) -> str:
    """The column by which a part points at its record: `invoice_id` in `invoice_lines`."""
    return f"{spec.name.removesuffix('s')}_id"


class SpecError(ValueError):
    """An entity, or a mapping of one, is declared in a way that nothing can be built from."""


_REGISTRY: dict[str, EntitySpec] = {}
_KINDS = (str, int, bool, Decimal, date)


def entity(
    *,
    name: str,
    side: Literal["receivables", "payables", "shared"],
    natural_key: tuple[str, ...],
    rules: tuple[Rule, ...] = (),
    bound_share_min: Decimal | None = None,
) -> Callable[[type[Record]], type[Record]]:
    """Declare a Record class as an entity and enter it in the registry, in the order of declaration."""

    def register(record: type[Record]) -> type[Record]:
        if name in _REGISTRY:
            raise SpecError(f"entity {name}: declared twice")
        fields, parts = _read_fields(name, record)
        spec = EntitySpec(
            name=name,
            record=record,
            side=side,
            natural_key=natural_key,
            fields=fields,
            parts=parts,
            rules=rules,
            says=(record.__doc__ or "").strip(),
            order=len(_REGISTRY),
            bound_share_min=bound_share_min,
        )
        unknown = set(natural_key) - {f.name for f in fields}
        if unknown:
            raise SpecError(f"entity {name}: natural key names {sorted(unknown)}, which are no fields of it")
        named = {n for f in fields for n in _names_in_marks(f)} - {f.name for f in fields} - {p.name for p in parts}
        if named:
            raise SpecError(f"entity {name}: its amounts name {sorted(named)}, which are no fields or parts of it")
        _REGISTRY[name] = spec
        return record

    return register


def _names_in_marks(field_spec: FieldSpec) -> set[str]:
    named = {field_spec.leader}
    if field_spec.sum_of:
        named.add(field_spec.sum_of.part)
    if field_spec.rest_of:
        named |= {field_spec.rest_of.whole, field_spec.rest_of.less}
    return {name for name in named if name is not None}


def _read_fields(owner: str, record: type) -> tuple[tuple[FieldSpec, ...], tuple[PartSpec, ...]]:
    hints = typing.get_type_hints(record, include_extras=True)
    defaults: Mapping[str, Any] = {f.name: f.default for f in msgspec.structs.fields(record)}
    fields: list[FieldSpec] = []
    parts: list[PartSpec] = []
    for name, hint in hints.items():
        marks: tuple[Any, ...] = ()
        if get_origin(hint) is Annotated:
            hint, *rest = get_args(hint)
            marks = tuple(rest)
        says = next((m.text for m in marks if isinstance(m, Says)), "")
        if get_origin(hint) is tuple:
            part = get_args(hint)[0]
            part_fields, nested = _read_fields(f"{owner}.{name}", part)
            if nested:
                raise SpecError(f"entity {owner}: {name} has parts of its own, which no table holds")
            parts.append(PartSpec(name, part, part_fields, (part.__doc__ or "").strip()))
            continue
        kind, is_optional, choices = _read_type(owner, name, hint)
        fields.append(
            FieldSpec(
                name=name,
                kind=kind,
                is_optional=is_optional,
                default=defaults[name],
                owner=next((m for m in marks if isinstance(m, Owner)), Owner.NOBODY),
                says=says,
                choices=choices,
                reference=next((m for m in marks if isinstance(m, (RefersTo, RefersToAny))), None),
                code_list=next((m.list for m in marks if isinstance(m, CodeOf)), None),
                leader=next((m.leader for m in marks if isinstance(m, TogetherWith)), None),
                sum_of=next((m for m in marks if isinstance(m, SumOf)), None),
                rest_of=next((m for m in marks if isinstance(m, RestOf)), None),
                is_currency=any(isinstance(m, InIso4217) for m in marks),
                is_document_day=any(isinstance(m, DatedOn) for m in marks),
            )
        )
    return tuple(fields), tuple(parts)


def _read_type(owner: str, name: str, hint: Any) -> tuple[type, bool, tuple[str, ...]]:
    is_optional = False
    if get_origin(hint) in (types.UnionType, typing.Union):
        inner = [a for a in get_args(hint) if a is not type(None)]
        is_optional = len(inner) < len(get_args(hint))
        hint = inner[0] if len(inner) == 1 else hint
    if get_origin(hint) is Literal:
        return str, is_optional, get_args(hint)
    if hint not in _KINDS:
        raise SpecError(f"entity {owner}: field {name} has type {hint}, expected one of {[k.__name__ for k in _KINDS]}")
    return hint, is_optional, ()


def entities() -> tuple[EntitySpec, ...]:
    """All entities, parents before the documents that refer to them."""
    _load()
    return tuple(_REGISTRY.values())


def spec_of(name: str) -> EntitySpec:
    """The spec of an entity by its name; raises SpecError naming the ones there are."""
    _load()
    try:
        return _REGISTRY[name]
    except KeyError:
        raise SpecError(f"there is no entity {name!r}; there are {', '.join(_REGISTRY)}") from None


def spec_of_record(record: type[Record]) -> EntitySpec:
    """The spec of the entity that a Record class declares."""
    _load()
    for spec in _REGISTRY.values():
        if spec.record is record:
            return spec
    raise SpecError(f"{record.__name__} declares no entity")


def _load() -> None:
    import ledger.entities  # noqa: F401  Importing the folder is what declares the entities.
