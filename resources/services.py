"""What every way in shares: settings, the database, the vault's key, and connectors made from them.

The command line, Dagster's resources and the gateway each open one `Services` and close it when they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from resources.connector import Connector
from resources.crypto import Vaultkeeper
from resources.erps import erp_of
from resources.master_keys import open_keeper
from resources.profile import ErpProfile
from resources.settings import Settings
from resources.stores import connections, embedded
from resources.stores.connections import Connection
from resources.stores.database import FLEET, Database
from resources.stores.vault import Vault
from resources.vaulting import check_keys


class Services:
    """Open with `Services(settings)`; holds the embedded server, if that is what the settings say, until closed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._exit = ExitStack()
        self.server = None
        if settings.database_url is None:
            self.server = self._exit.enter_context(embedded.ensure_running(settings.home))
            self.owner_url, self.app_url = self.server.url("owner"), self.server.url("app")
        else:
            self.owner_url = self.app_url = settings.database_url
        self.on_progress: Callable[[str, str, int], None] = lambda connection, what, count: None
        """Called with connection, what is being done and how many records of it are done; for whoever watches."""
        self.pace = 1.0
        """How long waits are, as a factor: the fault programme does not sit out the pauses between attempts,
        nor the demo the minute of a company that counts calls."""

    @cached_property
    def db(self) -> Database:
        """Opened when it is first asked for: a server that is new has no role for it before the database is made."""
        db = Database(self.app_url)
        self._exit.callback(db.close)
        return db

    @cached_property
    def keeper(self) -> Vaultkeeper:
        """The master keys. Raises TieoutError if something in this database is sealed with one that is not known."""
        keeper = open_keeper(self.settings)
        check_keys(self.db, keeper, self.settings.tenant)
        return keeper

    @property
    def spool(self) -> Path:
        """Where tokens wait that the database could not take."""
        return self.settings.home / "spool"

    def close(self) -> None:
        self._exit.close()

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def transactions_of(self, tenant: str) -> Callable[[], Any]:
        """A function that opens a transaction of one tenant."""
        return lambda: self.db.transaction(tenant)

    @contextmanager
    def fleet(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction that sees every tenant's connections and where work is due, none of what it is about."""
        with self.db.transaction(FLEET) as tx:
            yield tx

    def connection(self, name: str) -> Connection:
        with self.fleet() as tx:
            return connections.get(tx, name)

    def connections(self) -> list[Connection]:
        with self.fleet() as tx:
            return list(connections.list_all(tx))

    def tenants(self) -> list[str]:
        """Everybody who has or had a connection, and the tenant of the settings."""
        with self.fleet() as tx:
            known = {tenant for (tenant,) in tx.execute("select tenant_id from sync.tenants")}
        return sorted(known | {self.settings.tenant})

    def vault(self, tenant: str) -> Vault:
        return Vault(self.transactions_of(tenant), tenant, self.keeper)

    def signing_key(self, tenant: str, name: str) -> bytes:
        """What a tenant signs with, for one purpose; kept in its vault, so that it outlives a change of master keys."""
        return self.vault(tenant).own_key(name)

    def erp(self, connection: Connection) -> ErpProfile:
        """The ERP of a connection; nobody is called and no secret is read."""
        return erp_of(connection.erp)

    def connect(self, connection: Connection) -> tuple[ErpProfile, Connector]:
        """The ERP's profile and a connector for one connection; nothing has been called yet."""
        erp = erp_of(connection.erp)
        return erp, erp.connect(connection, self)
