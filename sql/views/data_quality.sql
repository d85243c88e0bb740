-- The last verdict of every data-quality check.
create view analytics.data_quality as
select v.tenant_id, v.connection, v.entity, v.check_name, v.is_passed, v.failed_count, v.checked_at
  from sync.verdicts v;
comment on view analytics.data_quality is 'The last verdict of each data-quality check; while a blocking one fails, nothing it guards is reconciled.';
comment on column analytics.data_quality.tenant_id is 'Whose books.'; -- text from sync.verdicts.tenant_id
comment on column analytics.data_quality.connection is 'The ERP company whose rows were checked.'; -- text from sync.verdicts.connection
comment on column analytics.data_quality.entity is 'The kind of record.'; -- text from sync.verdicts.entity
comment on column analytics.data_quality.check_name is 'The rule that was checked.'; -- text from sync.verdicts.check_name
comment on column analytics.data_quality.is_passed is 'Every row holds to it, or it only warns.'; -- boolean from sync.verdicts.is_passed
comment on column analytics.data_quality.failed_count is 'How many rows do not hold to it.'; -- bigint from sync.verdicts.failed_count
comment on column analytics.data_quality.checked_at is 'When it was checked.'; -- timestamp with time zone from sync.verdicts.checked_at
