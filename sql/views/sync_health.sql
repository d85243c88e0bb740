-- How well each company's syncs went in the last hour, day and 30 days.
create view analytics.sync_health as
select c.tenant_id, c.connection, c.erp, c.state, w.title as period,
       count(r.run_id) as run_count, count(r.run_id) filter (where r.state = 'failed') as failed_count,
       round(100.0 * count(r.run_id) filter (where r.state = 'done') / nullif(count(r.run_id) filter (where r.state <> 'running'), 0), 1) as success_percent,
       coalesce(sum(r.api_calls), 0) as api_calls,
       round(avg(extract(epoch from r.ended_at - r.started_at)), 3) as run_seconds_mean,
       max(r.ended_at) filter (where r.state = 'done') as last_success_at,
       (select count(*) from sync.errors e where e.connection = c.connection and e.resolved_at is null) as open_error_count
  from sync.connections c
 cross join (values ('hour', interval '1 hour'), ('day', interval '1 day'), ('30 days', interval '30 days')) w (title, length)
  left join sync.runs r on r.connection = c.connection and r.started_at > now() - w.length
 where c.state <> 'removed'
 group by c.tenant_id, c.connection, c.erp, c.state, w.title, w.length;
comment on view analytics.sync_health is 'How the runs of each company went in the last hour, the last day and the last 30 days: one row for each of the three.';
comment on column analytics.sync_health.tenant_id is 'Whose books.'; -- text from sync.connections.tenant_id
comment on column analytics.sync_health.connection is 'The ERP company.'; -- text from sync.connections.connection
comment on column analytics.sync_health.erp is 'The product it runs.'; -- text from sync.connections.erp
comment on column analytics.sync_health.state is 'active, paused, disconnected, or reconnect: it asks for new credentials.'; -- text from sync.connections.state
comment on column analytics.sync_health.period is 'hour, day or 30 days, back from now.'; -- text
comment on column analytics.sync_health.run_count is 'Runs that began in it: syncs, pushes and reconciliations.'; -- bigint from sync.runs.run_id
comment on column analytics.sync_health.failed_count is 'Of them, those that failed.'; -- bigint from sync.runs.state
comment on column analytics.sync_health.success_percent is 'Share of those that ended and did not fail; empty if none ended.'; -- numeric from sync.runs.state
comment on column analytics.sync_health.api_calls is 'Calls that the ERP counted.'; -- bigint from sync.runs.api_calls
comment on column analytics.sync_health.run_seconds_mean is 'How long a run took, on average.'; -- numeric from sync.runs.started_at, sync.runs.ended_at
comment on column analytics.sync_health.last_success_at is 'When the last good one ended.'; -- timestamp with time zone from sync.runs.ended_at
comment on column analytics.sync_health.open_error_count is 'Errors that are open now, whenever they began.'; -- bigint from sync.errors.resolved_at
