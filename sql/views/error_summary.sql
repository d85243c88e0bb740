-- What failed or is held, counted by kind.
create view analytics.error_summary as
select e.tenant_id, e.connection, e.entity, e.stage, e.code, e.kind, e.severity, e.is_retryable, e.open_count,
       e.resolved_count, e.occurrence_count, e.open_since_at, e.last_seen_at, n.message as last_message, n.next_step
  from (
    select tenant_id, connection, entity, stage, code, kind, severity, is_retryable,
           count(*) filter (where resolved_at is null) as open_count,
           count(*) filter (where resolved_at is not null) as resolved_count, sum(occurrences) as occurrence_count,
           min(first_seen_at) filter (where resolved_at is null) as open_since_at, max(last_seen_at) as last_seen_at,
           -- The newest, of several the one that came last; ids are exact in this type up to 2^53.
           (max(array[date_part('epoch', last_seen_at), error_id]))[2]::bigint as newest_id
      from sync.errors
     group by tenant_id, connection, entity, stage, code, kind, severity, is_retryable
  ) e join sync.errors n on n.error_id = e.newest_id;
comment on view analytics.error_summary is 'What failed or is held, by company, entity, stage and kind of error, with what to do about the newest.';
comment on column analytics.error_summary.tenant_id is 'Whose books.'; -- text from sync.errors.tenant_id
comment on column analytics.error_summary.connection is 'The ERP company.'; -- text from sync.errors.connection
comment on column analytics.error_summary.entity is 'The kind of record; empty for a whole run.'; -- text from sync.errors.entity
comment on column analytics.error_summary.stage is 'pull, merge, push, or reconcile.'; -- text from sync.errors.stage
comment on column analytics.error_summary.code is 'SYNC_001 timeout or connection, 002 authentication, 003 rate limit, 004 validation or mapping, 005 duplicate, and so on.'; -- text from sync.errors.code
comment on column analytics.error_summary.kind is 'The class of the error: connection, timeout, validation, mapping ...'; -- text from sync.errors.kind
comment on column analytics.error_summary.severity is 'How loud it is.'; -- text from sync.errors.severity
comment on column analytics.error_summary.is_retryable is 'Whether trying again may help by itself.'; -- boolean from sync.errors.is_retryable
comment on column analytics.error_summary.open_count is 'Errors that are open.'; -- bigint from sync.errors.resolved_at
comment on column analytics.error_summary.resolved_count is 'Errors that are over.'; -- bigint from sync.errors.resolved_at
comment on column analytics.error_summary.occurrence_count is 'How often they were seen, all together.'; -- bigint from sync.errors.occurrences
comment on column analytics.error_summary.open_since_at is 'When the oldest open one was first seen.'; -- timestamp with time zone from sync.errors.first_seen_at
comment on column analytics.error_summary.last_seen_at is 'When any was last seen.'; -- timestamp with time zone from sync.errors.last_seen_at
comment on column analytics.error_summary.last_message is 'What the newest says.'; -- text from sync.errors.message
comment on column analytics.error_summary.next_step is 'What to do about the newest.'; -- text from sync.errors.next_step
