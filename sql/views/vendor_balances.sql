-- What we owe each vendor, from the ledger's open documents.
create view analytics.vendor_balances as
with open_items as (
  select vendor_id, currency, open_amount as amount from ledger.bills where not is_deleted
  union all
  select vendor_id, currency, -open_amount from ledger.vendor_credits where not is_deleted
  union all
  select vendor_id, currency, -unapplied_amount from ledger.bill_payments where not is_deleted
)
select v.ledger_id as vendor_id, v.tenant_id, v.name as vendor_name, coalesce(o.currency, v.currency) as currency,
       coalesce(sum(o.amount), 0) as open_amount
  from ledger.vendors v
  left join open_items o on o.vendor_id = v.ledger_id
 group by v.ledger_id, v.tenant_id, v.name, coalesce(o.currency, v.currency);
comment on view analytics.vendor_balances is 'What we owe each vendor, by currency: open bills less open credits and unapplied payments.';
comment on column analytics.vendor_balances.vendor_id is 'Ledger id of the vendor.';
comment on column analytics.vendor_balances.currency is 'ISO 4217; amounts of different currencies are never added.';
comment on column analytics.vendor_balances.open_amount is 'Positive: we owe the vendor. Negative: the vendor owes us.';
