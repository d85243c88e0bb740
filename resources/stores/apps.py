"""The app by which a tenant connects companies of an ERP: what it is called there, and its secrets, sealed.

Belongs here: keeping and reading one. Which of its values are the app's, and which app is for a company, is
`resources/apps.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from resources.consent import App
from resources.stores import audit
from resources.stores.vault import NO_CONNECTION, Vault


def put(
    tx: psycopg.Connection[Any],
    vault: Vault,
    *,
    tenant: str,
    erp: str,
    base_url: str | None,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    by: str,
) -> None:
    """Keep the app, in place of the one there was. Its secrets are sealed first, and in transactions of their own."""
    for name, secret in secrets.items():
        vault.put(NO_CONNECTION, _sealed_as(erp, name), secret)
    tx.execute("insert into sync.tenants (tenant_id) values (%s) on conflict do nothing", (tenant,))
    tx.execute(
        "insert into sync.apps (tenant_id, erp, base_url, settings, set_by) values (%s, %s, %s, %s, %s)"
        " on conflict (tenant_id, erp) do update set base_url = excluded.base_url, settings = excluded.settings,"
        " set_by = excluded.set_by, set_at = now()",
        (tenant, erp, base_url, Jsonb(dict(settings)), by),
    )
    audit.append(tx, tenant=tenant, actor=by, action="app.set", detail={"erp": erp, "base_url": base_url, **settings})


def get(tx: psycopg.Connection[Any], vault: Vault, erp: str) -> App | None:
    """The tenant's app, or None if none was set."""
    row = tx.execute("select base_url, settings from sync.apps where erp = %s", (erp,)).fetchone()
    if row is None:
        return None
    prefix = _sealed_as(erp, "")
    sealed = vault.all(NO_CONNECTION)
    secrets = {name.removeprefix(prefix): value for name, value in sealed.items() if name.startswith(prefix)}
    return App(erp, row[0], row[1], secrets)


def _sealed_as(erp: str, name: str) -> str:
    return f"app {erp} {name}"
