"""Xero as the registry sees it: what it has, what a connection needs, and how one is put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.mapping import WireMapping
from resources.connector import Composer, Connector
from resources.consent import BY_CONSENT, GRANT, App, ConsentSteps
from resources.erps.xero import profile
from resources.erps.xero.webhooks import XeroWebhooks
from resources.profile import EntityProfile, ErpProfile, KeyMemory
from resources.services import Services
from resources.stores.connections import Connection
from resources.stores.quota import CallQuota, Quotas, Window, company_key
from resources.stores.token_journal import TokenJournal

DAY = "day"
ANY_ORGANISATION = "*"


def _mappings() -> Mapping[str, WireMapping]:
    from resources.erps.xero.mappings import MAPPINGS

    return MAPPINGS


def _connect(connection: Connection, services: Services) -> Connector:
    from resources.erps.xero.auth import CustomConnection, XeroTokenEndpoint, first_tokens
    from resources.erps.xero.client import XeroConnector
    from resources.erps.xero.wire import TokenSource
    from resources.oauth import TokenKeeper

    tenant_id, client_id = connection.settings["tenant_id"], connection.settings["client_id"]
    transaction = services.transactions_of(connection.tenant)
    secrets = services.vault(connection.tenant).all(connection.name)
    endpoint = XeroTokenEndpoint(
        connection=connection.name,
        client_id=client_id,
        client_secret=secrets.get("client_secret", ""),
        base_url=connection.base_url,
    )
    tokens: TokenSource
    if "refresh_token" in secrets or connection.settings.get(GRANT) == BY_CONSENT:
        keeper = TokenKeeper(
            tenant=connection.tenant,
            connection=connection.name,
            endpoint=endpoint,
            journal=TokenJournal(transaction, connection.tenant, connection.name),
            keeper=services.keeper,
            spool=services.spool,
        )
        # The consent that came with the connection; ignored once anybody has begun to use it.
        if "refresh_token" in secrets:
            keeper.seed(first_tokens(secrets))
        tokens = keeper
    else:
        tokens = CustomConnection(endpoint)
    quota = CallQuota(
        transaction,
        company_key(profile.ERP, client_id, tenant_id),
        calls_per_window=profile.CALLS_PER_MINUTE_MAX,
        window_seconds=profile.MINUTE_SECONDS * services.pace,
        in_flight=profile.CALLS_IN_FLIGHT_MAX,
        further=(Window(DAY, profile.calls_per_day(connection.settings), profile.DAY_SECONDS),),
    )
    app = CallQuota(
        transaction,
        company_key(profile.ERP, client_id, ANY_ORGANISATION),
        calls_per_window=profile.CALLS_PER_APP_MINUTE_MAX,
        window_seconds=profile.MINUTE_SECONDS,
        in_flight=profile.CALLS_PER_APP_IN_FLIGHT_MAX,
    )
    return XeroConnector.open(
        connection=connection.name,
        settings=connection.settings,
        tokens=tokens,
        base_url=connection.base_url,
        gate=Quotas(quota, app),
        calls_today=lambda: quota.used(DAY),
    )


def _composer(reference: Mapping[str, Mapping[str, Mapping[str, Any]]], settings: Mapping[str, str]) -> Composer:
    from resources.erps.xero.writing import XeroComposer

    return XeroComposer(reference, settings)


def _consent(app: App, connection: str) -> ConsentSteps:
    from resources.erps.xero.consent import XeroConsent

    return XeroConsent(app, connection)


ERP = ErpProfile(
    name=profile.ERP,
    title="Xero",
    entities={name: EntityProfile(e.wire_name, e.refresh_after_seconds) for name, e in profile.WIRE_ENTITIES.items()},
    setting_keys=profile.SETTING_KEYS,
    company_key="tenant_id",
    app_key="client_id",
    mappings=_mappings,
    connect=_connect,
    composer=_composer,
    consent=_consent,
    webhooks=XeroWebhooks(),
    together=profile.TOGETHER,
    key_memory=KeyMemory(profile.KEY_SECONDS_SAFE, profile.KEY_SECONDS_FORGOTTEN),
)
