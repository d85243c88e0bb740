"""What the product needs to know of an ERP before it talks to it: its entities, its settings, how to connect.

Each ERP's folder exposes one `ERP` of this shape; `resources/erps/__init__.py` is the registry. Facts about the wire
stay in the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.mapping import WireMapping
from resources.connector import Connector

if TYPE_CHECKING:
    from resources.services import Services
    from resources.stores.connections import Connection


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One value a connection needs, in the ERP's own word. Secret ones go to the vault, never to a table."""

    name: str
    is_required: bool
    is_secret: bool
    description: str


@dataclass(frozen=True, slots=True)
class EntityProfile:
    """`refresh_after_seconds`: how old our copy may get where no feed tells of changes; None where one does."""

    wire_name: str
    refresh_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ErpProfile:
    """One ERP. `connect` builds a connector for one connection; it reads secrets from the vault and calls nobody."""

    name: str
    title: str
    entities: Mapping[str, EntityProfile]
    setting_keys: Sequence[SettingKey]
    company_key: str
    """Which of the settings says which company it is."""
    mappings: Callable[[], Mapping[str, WireMapping]]
    connect: Callable[[Connection, Services], Connector]
