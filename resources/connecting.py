"""Entering, testing, disconnecting and removing connections: secrets go to the vault, the rest to the registry.

How a person's consent makes one is `answering.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from resources.connector import ConnectionReport
from resources.consent import App
from resources.erps import erp_of
from resources.errors import ErrorKind, TieoutError
from resources.oauth import TokenKeeper
from resources.profile import ErpProfile
from resources.services import Services
from resources.settings import CONNECTION_NAME, TENANT_NAME, TENANT_RULE, secret_variable
from resources.stores import audit, connections, strangers
from resources.stores.connections import Connection
from resources.stores.token_journal import TokenJournal
from resources.token_endpoint import TokenSet

# What a consent brought, in the words of a connection's secrets; the app's own secrets are others.
TOKENS = ("refresh_token", "access_token")


def add_connection(
    services: Services,
    *,
    name: str,
    erp: str,
    tenant: str,
    base_url: str | None,
    values: Mapping[str, str],
    is_declared: bool = False,
) -> None:
    """Enter a connection. Raises TieoutError naming the value that is missing, unknown or not allowed, and how to give
    it: to the command, or, if it `is_declared`, in the file and the variables of its secrets.

    `is_declared`: its values are from connections.toml and the environment, where whoever is to mend them has to look.
    If the ledger holds anything that may be that company's already, the two must meet first (`tieout meet`).
    """
    profile = erp_of(erp)
    known = {key.name: key for key in profile.setting_keys}
    if not CONNECTION_NAME.fullmatch(name):
        rule = "1 to 40 characters a-z, 0-9, _ and -, beginning with a letter"
        raise _refused(name, f"the name {name!r}", rule, "choose another with --name")
    where = f"give it with --set key=value; see docs/connect-{erp}.md"
    for key in values:
        if key not in known:
            if is_declared:
                where = f"correct [connections.{name}] of connections.toml, or unset {secret_variable(name, key)}"
            raise _refused(name, f"a value {key!r}", f"one of {', '.join(known)}", where)
    for key in profile.setting_keys:
        if key.is_required and not values.get(key.name):
            if is_declared:
                in_file = "" if key.is_secret else f"give it below [connections.{name}] of connections.toml, or "
                where = f"{in_file}set {secret_variable(name, key.name)}; see docs/connect-{erp}.md"
            raise _refused(name, f"no value for {key.name}", key.description, where)
    if not TENANT_NAME.fullmatch(tenant):
        raise _refused(name, f"the tenant {tenant!r}", TENANT_RULE, "choose another with --tenant")
    public = {key: value for key, value in values.items() if not known[key].is_secret}
    with services.db.transaction(tenant) as tx:
        enter(services, tx, profile, name=name, tenant=tenant, base_url=base_url, settings=public)
    vault = services.vault(tenant)
    for key, value in values.items():
        if known[key].is_secret:
            vault.put(name, key, value)


def enter(
    services: Services,
    tx: psycopg.Connection[Any],
    profile: ErpProfile,
    *,
    name: str,
    tenant: str,
    base_url: str | None,
    settings: Mapping[str, str],
) -> None:
    """Enter a connection in the registry; what is secret of it is not here."""
    connections.add(
        tx,
        name=name,
        tenant=tenant,
        erp=profile.name,
        base_url=base_url,
        settings=settings,
        company_key=profile.company_key,
        pull_interval_seconds=services.settings.pull_interval_seconds,
    )
    if strangers.any_rows(tx, name):
        connections.must_meet(tx, name)


def test_connection(services: Services, name: str) -> ConnectionReport:
    """Ask the company who it is, and remember the answer."""
    connection = services.connection(name)
    _, connector = services.connect(connection)
    report = connector.test()
    with services.db.transaction(connection.tenant) as tx:
        connections.describe(tx, name, company_name=report.company_name, home_currency=report.home_currency)
        connections.reconnected(tx, name)
    return report


def remove_connection(services: Services, name: str) -> None:
    """Forget the connection and its secrets; what it brought into the books stays."""
    connection = services.connection(name)
    services.vault(connection.tenant).delete(name)
    with services.db.transaction(connection.tenant) as tx:
        connections.remove(tx, name)


def disconnect(services: Services, name: str, *, by: str) -> bool:
    """Take our app off the company and erase its tokens; the connection and all it brought stay. False if it was so.

    Nobody begins to work on it from the first commit on. If the ERP cannot be reached the tokens stay, so that a repeat
    can revoke them; a grant that has ended there already is as good as revoked. Raises TieoutError.
    """
    connection = services.connection(name)
    profile, vault = services.erp(connection), services.vault(connection.tenant)
    secrets = vault.all(name)
    keeper = _token_keeper(services, connection, profile, secrets)
    if connection.state == "disconnected" and keeper.newest() is None:
        return False
    with services.db.transaction(connection.tenant) as tx:
        connections.set_state(tx, name, "disconnected")
    if keeper.newest() is not None:
        assert profile.consent is not None
        try:
            profile.consent(_app(connection, secrets), name).revoke(
                keeper, connection.settings.get(profile.company_key, "")
            )
        except TieoutError as error:
            if error.kind not in (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION):
                raise
    vault.forget(name, TOKENS)
    with services.db.transaction(connection.tenant) as tx:
        audit.append(tx, tenant=connection.tenant, actor=by, action="connection.disconnect", connection=name, detail={})
    return True


def _app(connection: Connection, secrets: Mapping[str, str]) -> App:
    return App(connection.erp, connection.base_url, connection.settings, secrets)


def _token_keeper(
    services: Services, connection: Connection, profile: ErpProfile, secrets: Mapping[str, str]
) -> TokenKeeper:
    """What gives out the connection's tokens, with those that it was entered with if nobody has used them yet."""
    if profile.consent is None:
        raise TieoutError(
            ErrorKind.VALIDATION,
            connection=connection.name,
            doing="disconnecting",
            found=f"{profile.title}, which has no consent by OAuth",
            expected="an ERP that has one",
            next_step=f"tieout connections remove {connection.name}",
        )
    tenant = connection.tenant
    keeper = TokenKeeper(
        tenant=tenant,
        connection=connection.name,
        endpoint=profile.consent(_app(connection, secrets), connection.name).endpoint(),
        journal=TokenJournal(services.transactions_of(tenant), tenant, connection.name),
        keeper=services.keeper,
        spool=services.spool,
    )
    if "refresh_token" in secrets:
        keeper.seed(TokenSet("", secrets["refresh_token"], 0.0))
    return keeper


def _refused(name: str, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        connection=name,
        doing="adding the connection",
        found=found,
        expected=expected,
        next_step=next_step,
    )
