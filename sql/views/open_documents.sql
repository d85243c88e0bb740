-- Every document that is still open, receivable and payable, one row each.
create view analytics.open_documents as
select 'ar' as module, 'invoices' as document_kind, i.ledger_id as document_id, i.tenant_id, i.document_number,
       c.name as party_name, i.issue_date, i.due_date, i.currency, i.total_amount, i.open_amount
  from ledger.invoices i join ledger.customers c on c.ledger_id = i.customer_id
 where not i.is_deleted and i.open_amount <> 0
union all
select 'ar', 'credit_memos', m.ledger_id, m.tenant_id, m.document_number, c.name, m.issue_date, null, m.currency,
       -m.total_amount, -m.open_amount
  from ledger.credit_memos m join ledger.customers c on c.ledger_id = m.customer_id
 where not m.is_deleted and m.open_amount <> 0
union all
select 'ar', 'payments', p.ledger_id, p.tenant_id, p.reference_number, c.name, p.payment_date, null, p.currency,
       -p.total_amount, -p.unapplied_amount
  from ledger.payments p join ledger.customers c on c.ledger_id = p.customer_id
 where not p.is_deleted and p.unapplied_amount <> 0
union all
select 'ap', 'bills', b.ledger_id, b.tenant_id, b.document_number, v.name, b.issue_date, b.due_date, b.currency,
       b.total_amount, b.open_amount
  from ledger.bills b join ledger.vendors v on v.ledger_id = b.vendor_id
 where not b.is_deleted and b.open_amount <> 0
union all
select 'ap', 'vendor_credits', k.ledger_id, k.tenant_id, k.document_number, v.name, k.issue_date, null, k.currency,
       -k.total_amount, -k.open_amount
  from ledger.vendor_credits k join ledger.vendors v on v.ledger_id = k.vendor_id
 where not k.is_deleted and k.open_amount <> 0
union all
select 'ap', 'bill_payments', q.ledger_id, q.tenant_id, q.document_number, v.name, q.payment_date, null, q.currency,
       -q.total_amount, -q.unapplied_amount
  from ledger.bill_payments q join ledger.vendors v on v.ledger_id = q.vendor_id
 where not q.is_deleted and q.unapplied_amount <> 0;
comment on view analytics.open_documents is 'Every open document, credits and unapplied payments negative.';
comment on column analytics.open_documents.module is 'ar: receivable, ap: payable.';
comment on column analytics.open_documents.open_amount is 'What is still owed, in the document''s currency.';
