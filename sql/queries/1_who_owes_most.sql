-- Who owes us most, and how much of it is long past due?
select customer_name, currency, open_amount, days_over_90_amount, oldest_due_date
  from analytics.ar_aging
 order by currency, open_amount desc
 limit 10;
