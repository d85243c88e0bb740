-- How much cash came in, month by month, and in the home currency of each company?
select connection, date_trunc('month', payment_date::timestamp)::date as month, currency,
       sum(received_amount) as received_amount, sum(received_home_amount) as received_home_amount
  from analytics.cash_collected
 group by connection, month, currency
 order by connection, month, currency;
