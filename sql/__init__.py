"""The database as text: `migrations/` (Alembic) and `views/` (one file a view, recreated on every deploy)."""
