"""QuickBooks Online as the registry sees it: what it has, what a connection needs, and how one is put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.mapping import WireMapping
from resources.connector import Composer, Connector
from resources.consent import App, ConsentSteps
from resources.erps.quickbooks import profile
from resources.erps.quickbooks.webhooks import QuickBooksWebhooks
from resources.profile import EntityProfile, ErpProfile
from resources.services import Services
from resources.stores.connections import Connection
from resources.stores.quota import CallQuota, company_key
from resources.stores.token_journal import TokenJournal


def _mappings() -> Mapping[str, WireMapping]:
    from resources.erps.quickbooks.mappings import MAPPINGS

    return MAPPINGS


def _connect(connection: Connection, services: Services) -> Connector:
    from resources.erps.quickbooks.auth import IntuitTokenEndpoint, first_tokens
    from resources.erps.quickbooks.client import QuickBooksConnector
    from resources.erps.quickbooks.wire import Wire
    from resources.oauth import TokenKeeper

    realm_id, client_id = connection.settings["realm_id"], connection.settings["client_id"]
    is_sandbox = connection.settings.get("environment") == profile.SANDBOX
    transaction = services.transactions_of(connection.tenant)
    secrets = services.vault(connection.tenant).all(connection.name)
    tokens = TokenKeeper(
        tenant=connection.tenant,
        connection=connection.name,
        endpoint=IntuitTokenEndpoint(
            connection=connection.name,
            client_id=client_id,
            client_secret=secrets.get("client_secret", ""),
            is_sandbox=is_sandbox,
            base_url=connection.base_url,
        ),
        journal=TokenJournal(transaction, connection.tenant, connection.name),
        keeper=services.keeper,
        spool=services.spool,
    )
    if "refresh_token" in secrets:
        # The consent that came with the connection; ignored once anybody has begun to use it.
        tokens.seed(first_tokens(secrets))
    quota = CallQuota(
        transaction,
        company_key(profile.ERP, client_id, realm_id),
        calls_per_window=profile.CALLS_PER_WINDOW_MAX,
        window_seconds=profile.CALL_WINDOW_SECONDS,
        in_flight=profile.CALLS_IN_FLIGHT_MAX,
    )
    # Batches have a limit of their own, counted in the same way.
    batches = CallQuota(
        transaction,
        company_key(f"{profile.ERP}/batch", client_id, realm_id),
        calls_per_window=profile.BATCHES_PER_WINDOW_MAX,
        window_seconds=profile.CALL_WINDOW_SECONDS,
        in_flight=profile.CALLS_IN_FLIGHT_MAX,
    )
    wire = Wire(
        connection=connection.name,
        realm_id=realm_id,
        tokens=tokens,
        base_url=connection.base_url,
        is_sandbox=is_sandbox,
        gate=quota,
    )
    return QuickBooksConnector(wire, tokens, realm_id=realm_id, batch_gate=batches)


def _composer(reference: Mapping[str, Mapping[str, Mapping[str, Any]]], settings: Mapping[str, str]) -> Composer:
    from resources.erps.quickbooks.writing import QuickBooksComposer

    return QuickBooksComposer(reference)


def _consent(app: App, connection: str) -> ConsentSteps:
    from resources.erps.quickbooks.consent import QuickBooksConsent

    return QuickBooksConsent(app, connection)


ERP = ErpProfile(
    name=profile.ERP,
    title="QuickBooks",
    entities={name: EntityProfile(e.wire_name, e.refresh_after_seconds) for name, e in profile.WIRE_ENTITIES.items()},
    setting_keys=profile.SETTING_KEYS,
    company_key="realm_id",
    app_key="client_id",
    mappings=_mappings,
    connect=_connect,
    composer=_composer,
    consent=_consent,
    webhooks=QuickBooksWebhooks(),
    unshown=frozenset({"sparse"}),
)
