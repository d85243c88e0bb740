-- Which customers pay latest, among those who paid more than 1,000 since a year ago?
select customer_name, currency, sum(settled_amount) as settled_amount,
       round(sum(days_late * settled_amount) / sum(settled_amount), 1) as days_late
  from analytics.days_to_pay
 where paid_month > current_date - interval '12 months'
 group by customer_id, customer_name, currency
having sum(settled_amount) > 1000
 order by days_late desc
 limit 10;
