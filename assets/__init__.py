"""What exists, as Dagster assets: a module a stage, built from the entity specs. No entity and no ERP is named here."""
