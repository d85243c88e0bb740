-- What reading only changes saves, against reading everything as often.
create view analytics.delta_savings as
with counted as not materialized (
  select r.tenant_id, r.connection, r.run_id, r.kind, (r.started_at at time zone 'utc')::date as day, r.api_calls,
         r.pulled_count
    from sync.runs r
   where r.kind in ('delta', 'full') and r.state = 'done' and r.pulled_count is not null
), whole as (
  -- The run that read most, the first of several: it brought the book.
  select connection, most[1] as pulled_count, -most[2] as run_id, most[3] as api_calls
    from (select connection, max(array[pulled_count, -run_id, api_calls]) as most from counted group by connection) m
)
select d.tenant_id, d.connection, d.day, count(*) as delta_count, sum(d.pulled_count)::bigint as pulled_count,
       sum(d.api_calls)::bigint as api_calls, max(w.pulled_count)::bigint as whole_pulled_count,
       max(w.api_calls)::bigint as whole_api_calls,
       (count(*) * max(w.pulled_count) - sum(d.pulled_count))::bigint as saved_pulled_count,
       (count(*) * max(w.api_calls) - sum(d.api_calls))::bigint as saved_api_calls,
       round(100 * (1 - sum(d.api_calls)::numeric / nullif(count(*) * max(w.api_calls), 0)), 2) as saved_calls_percent
  from counted d join whole w on w.connection = d.connection and w.run_id <> d.run_id
 where d.kind = 'delta'
 group by d.tenant_id, d.connection, d.day;
comment on view analytics.delta_savings is 'Records and calls that deltas spared, by company and day: against reading everything each time, as the run did that read most.';
comment on column analytics.delta_savings.tenant_id is 'Whose books.'; -- text from sync.runs.tenant_id
comment on column analytics.delta_savings.connection is 'The ERP company.'; -- text from sync.runs.connection
comment on column analytics.delta_savings.day is 'The day (UTC) on which the deltas began.'; -- date from sync.runs.started_at
comment on column analytics.delta_savings.delta_count is 'How many deltas ended well.'; -- bigint
comment on column analytics.delta_savings.pulled_count is 'Records they read.'; -- bigint from sync.runs.pulled_count
comment on column analytics.delta_savings.api_calls is 'Calls they took.'; -- bigint from sync.runs.api_calls
comment on column analytics.delta_savings.whole_pulled_count is 'Records in the run that read most, which is what reading everything takes.'; -- bigint from sync.runs.pulled_count
comment on column analytics.delta_savings.whole_api_calls is 'Calls that run took.'; -- bigint from sync.runs.api_calls
comment on column analytics.delta_savings.saved_pulled_count is 'Records that did not have to be read.'; -- bigint from sync.runs.pulled_count
comment on column analytics.delta_savings.saved_api_calls is 'Calls that did not have to be made.'; -- bigint from sync.runs.api_calls
comment on column analytics.delta_savings.saved_calls_percent is 'Their share of the calls that reading everything each time would have taken.'; -- numeric from sync.runs.api_calls
