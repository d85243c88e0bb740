"""How Alembic runs here: on the connection that `resources/stores/migrate.py` hands it, in one transaction."""

from alembic import context

from resources.stores.tables import metadata

OWN_SCHEMAS = {"ledger", "mirror", "sync", "reconciliation"}


def _is_ours(name: str | None, kind: str, parents: object) -> bool:
    return name in OWN_SCHEMAS if kind == "schema" else True


connection = context.config.attributes["connection"]
connection.exec_driver_sql("create schema if not exists sync")
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table="schema_version",
    version_table_schema="sync",
    include_schemas=True,
    include_name=_is_ours,
)
context.run_migrations()
