"""Entering, testing and removing connections: what is secret goes to the vault, the rest to the registry."""

from __future__ import annotations

from collections.abc import Mapping

from resources.connector import ConnectionReport
from resources.erps import erp_of
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.settings import CONNECTION_NAME, TENANT_NAME, TENANT_RULE
from resources.stores import connections, strangers


def add_connection(
    services: Services, *, name: str, erp: str, tenant: str, base_url: str | None, values: Mapping[str, str]
) -> None:
    """Enter a connection. Raises TieoutError naming the value that is missing, unknown or not allowed.

    If the ledger holds anything that may be that company's already, the two must meet first (`tieout meet`).
    """
    profile = erp_of(erp)
    known = {key.name: key for key in profile.setting_keys}
    if not CONNECTION_NAME.fullmatch(name):
        rule = "1 to 40 characters a-z, 0-9, _ and -, beginning with a letter"
        raise _refused(name, f"the name {name!r}", rule, "choose another with --name")
    by_value = f"give it with --set key=value; see docs/connect-{erp}.md"
    for key in values:
        if key not in known:
            raise _refused(name, f"a value {key!r}", f"one of {', '.join(known)}", by_value)
    for key in profile.setting_keys:
        if key.is_required and not values.get(key.name):
            raise _refused(name, f"no value for {key.name}", key.description, by_value)
    if not TENANT_NAME.fullmatch(tenant):
        raise _refused(name, f"the tenant {tenant!r}", TENANT_RULE, "choose another with --tenant")
    public = {key: value for key, value in values.items() if not known[key].is_secret}
    with services.db.transaction(tenant) as tx:
        connections.add(
            tx,
            name=name,
            tenant=tenant,
            erp=erp,
            base_url=base_url,
            settings=public,
            company_key=profile.company_key,
            pull_interval_seconds=services.settings.pull_interval_seconds,
        )
        if strangers.any_rows(tx, name):
            connections.must_meet(tx, name)
    vault = services.vault(tenant)
    for key, value in values.items():
        if known[key].is_secret:
            vault.put(name, key, value)


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


def _refused(name: str, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        connection=name,
        doing="adding the connection",
        found=found,
        expected=expected,
        next_step=next_step,
    )
