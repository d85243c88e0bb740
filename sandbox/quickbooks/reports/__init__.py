"""Reports: `GET /v3/company/{realm}/reports/{Name}`, computed from the company's own documents.

Belongs here: which report a name is and what is refused. Recorded is one profit and loss without data
(minimul/qbo_api, spec/vcr/reports/profit_and_loss.yml, 2020-09-29). The shape of all else (Header, Columns, Rows,
ColData, groups) is that of the samples on Intuit's own report pages and of its schema; numbers follow from double
entry. Fault 5020 for a report that does not exist, or is spelt in other cases, is as quoted in intuit/oauth-jsclient
issue 89.
"""

from datetime import date
from typing import Any

from sandbox.quickbooks.ledger import Ledger
from sandbox.quickbooks.reports import aging, aging_detail, balance_sheet, profit_and_loss, trial_balance
from sandbox.quickbooks.reports.parameters import Asked
from sandbox.quickbooks.reports.position import Company
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import Refusal

BUILDERS = {
    "AgedReceivables": aging.build,
    "AgedPayables": aging.build,
    "AgedReceivableDetail": aging_detail.build,
    "AgedPayableDetail": aging_detail.build,
    "TrialBalance": trial_balance.build,
    "ProfitAndLoss": profit_and_loss.build,
    "BalanceSheet": balance_sheet.build,
}


def run(
    name: str, query: dict[str, str], store: Store, ledger: Ledger, options: Switches, today: date, time: str
) -> dict[str, Any]:
    """One report. `today` is the company's day, `time` goes into the header. Raises Refusal."""
    if name not in BUILDERS:
        raise Refusal(
            "5020",
            "Permission Denied Error : You do not have the access rights to use this feature.",
            message="Permission Denied Error",
            element="ReportName",
        )
    company = Company(store, ledger.now(), today)
    asked = Asked(name, query, company, is_strict=options.unknown_report_parameters == "fault")
    header, columns, rows = BUILDERS[name](asked, company)
    return {
        "Header": {"Time": time, "ReportName": name, **header},
        "Columns": {"Column": columns},
        "Rows": {"Row": rows} if rows else {},
    }
