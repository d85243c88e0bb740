-- How long customers take: for each month in which money settled invoices, days from invoice to payment.
--
-- Rows meet in the order of an index and are added up customer by customer. Without the three orders PostgreSQL keeps a
-- hash table of every row for each join and all sums in reach at once, in each process: more than a processor's cache
-- holds, for which a million invoices take twice the CPU.
create view analytics.days_to_pay as
with by_payment as (
  select p.connection, p.customer_id, p.currency, p.payment_date, a.document_id, a.amount
    from ledger.payments p
    join ledger.payment_applications a on a.payment_id = p.ledger_id and a.document_entity = 'invoices'
   where not p.is_deleted and not p.is_void
   order by p.ledger_id
), by_document as (
  select * from by_payment order by document_id
), by_customer as (
  select d.connection, d.customer_id, d.currency, d.payment_date, d.amount, i.issue_date, i.due_date
    from by_document d
    join ledger.invoices i on i.ledger_id = d.document_id and not i.is_deleted
   order by d.customer_id
)
select c.tenant_id, s.connection, s.customer_id, c.name as customer_name, s.currency, s.paid_month, s.settlement_count,
       s.settled_amount, round(s.weighed_days / nullif(s.settled_amount, 0), 1) as days_to_pay,
       round(s.weighed_days_late / nullif(s.settled_amount, 0), 1) as days_late
  from (
    select connection, customer_id, currency, payment_date - date_part('day', payment_date)::int + 1 as paid_month,
           count(*) as settlement_count, sum(amount) as settled_amount,
           sum(amount * (payment_date - issue_date)) as weighed_days,
           sum(amount * (payment_date - coalesce(due_date, issue_date))) as weighed_days_late
      from by_customer
     group by customer_id, currency, connection, paid_month
  ) s join ledger.customers c on c.ledger_id = s.customer_id;
comment on view analytics.days_to_pay is 'Days from invoice to payment, by customer, currency and month of payment, each settlement weighed by its amount.';
comment on column analytics.days_to_pay.tenant_id is 'Whose books.'; -- text from ledger.customers.tenant_id
comment on column analytics.days_to_pay.connection is 'The ERP company that was paid.'; -- text from ledger.payments.connection
comment on column analytics.days_to_pay.customer_id is 'Ledger id of the customer who paid.'; -- bigint from ledger.payments.customer_id
comment on column analytics.days_to_pay.customer_name is 'Name of that customer.'; -- text from ledger.customers.name
comment on column analytics.days_to_pay.currency is 'ISO 4217; amounts of different currencies are never added.'; -- text from ledger.payments.currency
comment on column analytics.days_to_pay.paid_month is 'First day of the month in which it was paid.'; -- date from ledger.payments.payment_date
comment on column analytics.days_to_pay.settlement_count is 'How many settlements of an invoice by a payment.'; -- bigint
comment on column analytics.days_to_pay.settled_amount is 'What they settled.'; -- numeric from ledger.payment_applications.amount
comment on column analytics.days_to_pay.days_to_pay is 'Days from the invoice''s day to the payment''s, on average; negative: paid before.'; -- numeric from ledger.payments.payment_date, ledger.invoices.issue_date, ledger.payment_applications.amount
comment on column analytics.days_to_pay.days_late is 'Days from when it was due to the payment''s day, on average; negative: paid early.'; -- numeric from ledger.payments.payment_date, ledger.invoices.due_date, ledger.invoices.issue_date, ledger.payment_applications.amount
