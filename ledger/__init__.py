"""The pure domain: what an entity is, what money is, how records are mapped, compared and tied out.

Nothing here reads a clock, a file, a socket or a database, and nothing here knows Dagster or any one ERP.
"""
