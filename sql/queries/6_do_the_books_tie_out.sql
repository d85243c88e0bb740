-- Do the books tie out, and since when do they not?
select connection, module, currency, max(cutoff_at) as last_compared_at,
       max(cutoff_at) filter (where ties_out) as last_tied_out_at,
       (array_agg(difference_amount order by cutoff_at desc))[1] as difference_amount,
       (array_agg(difference_by_cause order by cutoff_at desc))[1] as by_cause
  from analytics.reconciliation_history
 group by connection, module, currency
 order by connection, module, currency;
