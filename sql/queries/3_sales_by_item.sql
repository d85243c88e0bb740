-- What did we sell in the last twelve months, by item, without tax?
select item_name, currency, sum(quantity) as quantity, sum(amount) as sales_amount
  from analytics.invoice_lines
 where kind = 'item' and not is_void and issue_date > current_date - interval '12 months'
 group by item_name, currency
 order by currency, sales_amount desc
 limit 20;
