-- Every reconciliation: both totals, what differs and by what causes.
create view analytics.reconciliation_history as
select r.tenant_id, r.connection, r.module, r.currency, r.cutoff_at, r.ledger_amount, r.erp_amount, r.difference_amount,
       coalesce(s.break_count, 0) as break_count, coalesce(s.by_cause, '{}') as difference_by_cause,
       coalesce(t.blocking_count, 0) as blocking_count,
       r.difference_amount = 0 and s.break_count is null and t.blocking_count is null as ties_out, r.run_id
  from reconciliation.results r
  left join (
    select result_id, sum(break_count)::bigint as break_count, jsonb_object_agg(cause, amount) as by_cause
      from (select result_id, cause, count(*) as break_count, sum(amount) as amount
              from reconciliation.sightings group by result_id, cause) c
     group by result_id
  ) s on s.result_id = r.result_id
  left join (
    select connection, module, cutoff_at, count(*) as blocking_count
      from reconciliation.statements where is_blocking group by connection, module, cutoff_at
  ) t on t.connection = r.connection and t.module = r.module and t.cutoff_at = r.cutoff_at;
comment on view analytics.reconciliation_history is 'Every reconciliation by module and currency: what both books said, the difference and its causes.';
comment on column analytics.reconciliation_history.tenant_id is 'Whose books.'; -- text from reconciliation.results.tenant_id
comment on column analytics.reconciliation_history.connection is 'The ERP company that was compared with.'; -- text from reconciliation.results.connection
comment on column analytics.reconciliation_history.module is 'ar: receivable, ap: payable.'; -- text from reconciliation.results.module
comment on column analytics.reconciliation_history.currency is 'ISO 4217; amounts of different currencies are never added.'; -- text from reconciliation.results.currency
comment on column analytics.reconciliation_history.cutoff_at is 'The instant compared at, by the ERP''s clock.'; -- timestamp with time zone from reconciliation.results.cutoff_at
comment on column analytics.reconciliation_history.ledger_amount is 'What is open by the ledger.'; -- numeric from reconciliation.results.ledger_amount
comment on column analytics.reconciliation_history.erp_amount is 'What is open by the ERP''s control account, or by its parties'' balances where it has none.'; -- numeric from reconciliation.results.erp_amount
comment on column analytics.reconciliation_history.difference_amount is 'The ERP''s less the ledger''s.'; -- numeric from reconciliation.results.difference_amount
comment on column analytics.reconciliation_history.break_count is 'How many breaks were seen.'; -- bigint from reconciliation.sightings.result_id
comment on column analytics.reconciliation_history.difference_by_cause is 'Cause to amount; they add up to the difference.'; -- jsonb from reconciliation.sightings.cause, reconciliation.sightings.amount
comment on column analytics.reconciliation_history.blocking_count is 'What kept the module from being compared as a whole.'; -- bigint from reconciliation.statements.is_blocking
comment on column analytics.reconciliation_history.ties_out is 'No difference, no break, and everything was compared.'; -- boolean from reconciliation.results.difference_amount, reconciliation.sightings.result_id, reconciliation.statements.is_blocking
comment on column analytics.reconciliation_history.run_id is 'The run that compared.'; -- bigint from reconciliation.results.run_id
