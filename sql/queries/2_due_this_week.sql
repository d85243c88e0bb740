-- Which bills fall due in the next seven days, by company?
select connection, party_name as vendor_name, document_number, due_date, currency, open_amount
  from analytics.open_documents
 where module = 'ap' and document_kind = 'bills' and days_past_due between -7 and 0
 order by due_date, connection, open_amount desc;
