-- What each customer owes, from the ledger's open documents.
create view analytics.customer_balances as
with open_items as (
  select party_id as customer_id, currency, sum(open_amount) as open_amount
    from analytics.open_documents where module = 'ar' group by party_id, currency
)
select c.ledger_id as customer_id, c.tenant_id, c.name as customer_name, coalesce(o.currency, c.currency) as currency,
       coalesce(o.open_amount, 0) as open_amount
  from ledger.customers c
  left join open_items o on o.customer_id = c.ledger_id
 where not c.is_deleted or o.open_amount <> 0;
comment on view analytics.customer_balances is 'What each customer owes, by currency: open invoices less open credits and unapplied payments.';
comment on column analytics.customer_balances.customer_id is 'Ledger id of the customer.'; -- bigint from ledger.customers.ledger_id
comment on column analytics.customer_balances.tenant_id is 'Whose books.'; -- text from ledger.customers.tenant_id
comment on column analytics.customer_balances.customer_name is 'Name of the customer.'; -- text from ledger.customers.name
comment on column analytics.customer_balances.currency is 'ISO 4217; amounts of different currencies are never added.'; -- text from analytics.open_documents.currency, ledger.customers.currency
comment on column analytics.customer_balances.open_amount is 'Positive: owed to us. Negative: we owe the customer.'; -- numeric from analytics.open_documents.open_amount
