"""How the database's server of a world is set: it is stopped as by a crash, in the middle of work."""

# Nothing survives a power cut and nothing needs to, but every commit must survive the server's own crash.
CLUSTER = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "30s",
    "plan_cache_mode": "force_generic_plan",
}
