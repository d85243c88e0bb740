"""What the product needs to know of an ERP before it talks to it: its entities, its settings, how to connect.

Each ERP's folder exposes one `ERP` of this shape; `resources/erps/__init__.py` is the registry. Facts about the wire
stay in the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.mapping import WireMapping
from resources.connector import Composer, Connector
from resources.consent import App, ConsentSteps
from resources.webhooks import WebhookReader

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
class KeyMemory:
    """For how long an ERP answers a repeat under the same key as it answered the first, counted from the first.

    A write in doubt that a probe did not find may go again at once within `sure_seconds`. After that it must rest until
    `over_seconds` have passed, so that no copy of it can still arrive, and be probed again before it is repeated.
    """

    sure_seconds: float
    over_seconds: float


@dataclass(frozen=True, slots=True)
class ErpProfile:
    """One ERP. `connect` builds a connector for one connection; it reads secrets from the vault and calls nobody."""

    name: str
    title: str
    entities: Mapping[str, EntityProfile]
    setting_keys: Sequence[SettingKey]
    company_key: str
    """Which of the settings says which company it is."""
    app_key: str
    """Which of the settings says through which app: deliveries are signed and calls counted by app."""
    mappings: Callable[[], Mapping[str, WireMapping]]
    connect: Callable[[Connection, Services], Connector]
    composer: Callable[[Mapping[str, Mapping[str, Mapping[str, Any]]], Mapping[str, str]], Composer]
    """From the company's reference data, entity -> external id -> payload as mirrored, and the connection's settings,
    what composes bodies for it."""
    together: Sequence[frozenset[str]] = ()
    """Entities that one reading of the ERP's lists serves: see `Connector.pull_together`."""
    request_seconds_max: float = 120.0
    """The ERP gives a request up after this long: what it has not done by then, it will not do."""
    unshown: frozenset[str] = frozenset()
    """Members of a body that say how to take it and nothing of the record: no change that a person is shown."""
    consent: Callable[[App, str], ConsentSteps] | None = None
    """From an app and whom to name in errors, how a person consents by OAuth; None where nobody can."""
    webhooks: WebhookReader | None = None
    """What reads its deliveries; None where it has none."""
    code_name_key: str = "Name"
    """Under what a record of its code lists (accounts, terms ...) says what it is called."""
    key_memory: KeyMemory | None = None
    """How long it remembers an idempotency key; None where it does for ever, or nothing better is known."""

    @property
    def arrival_seconds_max(self) -> float:
        """For how long a request that was sent may still take effect."""
        return self.key_memory.over_seconds if self.key_memory else self.request_seconds_max
