-- What each customer owes, from the ledger's open documents.
create view analytics.customer_balances as
with open_items as (
  select customer_id, currency, open_amount as amount from ledger.invoices where not is_deleted
  union all
  select customer_id, currency, -open_amount from ledger.credit_memos where not is_deleted
  union all
  select customer_id, currency, -unapplied_amount from ledger.payments where not is_deleted
)
select c.ledger_id as customer_id, c.tenant_id, c.name as customer_name, coalesce(o.currency, c.currency) as currency,
       coalesce(sum(o.amount), 0) as open_amount
  from ledger.customers c
  left join open_items o on o.customer_id = c.ledger_id
 group by c.ledger_id, c.tenant_id, c.name, coalesce(o.currency, c.currency);
comment on view analytics.customer_balances is 'What each customer owes, by currency: open invoices less open credits and unapplied payments.';
comment on column analytics.customer_balances.customer_id is 'Ledger id of the customer.';
comment on column analytics.customer_balances.currency is 'ISO 4217; amounts of different currencies are never added.';
comment on column analytics.customer_balances.open_amount is 'Positive: owed to us. Negative: we owe the customer.';
