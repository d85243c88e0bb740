-- What customers paid, day by day.
create view analytics.cash_collected as
select p.tenant_id, p.connection, p.payment_date, p.currency, count(*) as payment_count,
       sum(p.total_amount) as received_amount, sum(p.applied_amount) as applied_amount,
       sum(p.unapplied_amount) as unapplied_amount,
       case when count(p.total_home_amount) = count(*) then sum(p.total_home_amount) end as received_home_amount
  from analytics.payments p
 where not p.is_void
 group by p.tenant_id, p.connection, p.payment_date, p.currency;
comment on view analytics.cash_collected is 'Money received from customers, by day, company and currency; void payments are left out.';
comment on column analytics.cash_collected.tenant_id is 'Whose books.'; -- text from analytics.payments.tenant_id
comment on column analytics.cash_collected.connection is 'The ERP company that received it.'; -- text from analytics.payments.connection
comment on column analytics.cash_collected.payment_date is 'The day it was received, by the payment.'; -- date from analytics.payments.payment_date
comment on column analytics.cash_collected.currency is 'ISO 4217; amounts of different currencies are never added.'; -- text from analytics.payments.currency
comment on column analytics.cash_collected.payment_count is 'How many payments it was.'; -- bigint
comment on column analytics.cash_collected.received_amount is 'All that came in.'; -- numeric from analytics.payments.total_amount
comment on column analytics.cash_collected.applied_amount is 'Of it, what settles documents today.'; -- numeric from analytics.payments.applied_amount
comment on column analytics.cash_collected.unapplied_amount is 'Of it, what settles nothing yet.'; -- numeric from analytics.payments.unapplied_amount
comment on column analytics.cash_collected.received_home_amount is 'What came in, in the home currency at each payment''s own rate; empty where a rate is missing.'; -- numeric from analytics.payments.total_home_amount
