-- What we owe each vendor, from the ledger's open documents.
create view analytics.vendor_balances as
with open_items as (
  select party_id as vendor_id, currency, sum(open_amount) as open_amount
    from analytics.open_documents where module = 'ap' group by party_id, currency
)
select v.ledger_id as vendor_id, v.tenant_id, v.name as vendor_name, coalesce(o.currency, v.currency) as currency,
       coalesce(o.open_amount, 0) as open_amount
  from ledger.vendors v
  left join open_items o on o.vendor_id = v.ledger_id
 where not v.is_deleted or o.open_amount <> 0;
comment on view analytics.vendor_balances is 'What we owe each vendor, by currency: open bills less open credits and unapplied payments.';
comment on column analytics.vendor_balances.vendor_id is 'Ledger id of the vendor.'; -- bigint from ledger.vendors.ledger_id
comment on column analytics.vendor_balances.tenant_id is 'Whose books.'; -- text from ledger.vendors.tenant_id
comment on column analytics.vendor_balances.vendor_name is 'Name of the vendor.'; -- text from ledger.vendors.name
comment on column analytics.vendor_balances.currency is 'ISO 4217; amounts of different currencies are never added.'; -- text from analytics.open_documents.currency, ledger.vendors.currency
comment on column analytics.vendor_balances.open_amount is 'Positive: we owe the vendor. Negative: the vendor owes us.'; -- numeric from analytics.open_documents.open_amount
