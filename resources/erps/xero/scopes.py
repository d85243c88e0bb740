"""Which scopes a connection needs, what it can do without, and which of them its consent lacks.

Belongs here: the list, and asking for each. Facts: README.md. That a scope is missing is known by Xero's own word
for it in the answer to the smallest call that needs the scope, and by nothing that a token says of itself. Only reading
is asked: what a `.read` scope does not allow is said by the first write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resources.erps.xero.errors import AnswerError
from resources.erps.xero.wire import Wire
from resources.errors import ErrorKind, TieoutError

AGED_REPORTS = "accounting.reports.aged.read"
TRIAL_BALANCE = "accounting.reports.trialbalance.read"
_ONE_ROW = {"page": 1, "page_size": 1}
# Each with the SDK's method that needs it.
_NEEDED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "accounting.contacts": ("get_contacts", _ONE_ROW),
    "accounting.settings": ("get_organisations", {}),
    "accounting.invoices": ("get_invoices", _ONE_ROW),
    "accounting.payments": ("get_payments", _ONE_ROW),
    "accounting.banktransactions": ("get_bank_transactions", _ONE_ROW),
}
# The reference has the reports' scopes as a pattern only: an app that Xero refuses them to sets `scopes`.
SCOPES = ("offline_access", *_NEEDED, AGED_REPORTS, TRIAL_BALANCE)


def lacks_scope(error: TieoutError) -> bool:
    """Whether this is Xero's word that the consent does not cover what was asked."""
    return isinstance(error, AnswerError) and error.lacks_scope


def lacking(scope: str) -> str:
    """What to say of a report that this scope is missing for."""
    return f"the scope {scope} is missing: connect the organisation again with it"


def check_scopes(wire: Wire) -> Sequence[str]:
    """The scopes for reports that are missing, one call for each scope. Raises if one is missing that is needed."""
    answered = {scope: _asked(wire, method, **parameters) for scope, (method, parameters) in _NEEDED.items()}
    for contact_id in _ids(answered["accounting.contacts"]):
        answered[AGED_REPORTS] = _asked(wire, "get_report_aged_receivables_by_contact", contact_id)
    answered[TRIAL_BALANCE] = _asked(wire, "get_report_trial_balance")
    missing = [scope for scope, root in answered.items() if root is None]
    if any(scope in _NEEDED for scope in missing):
        raise TieoutError(
            ErrorKind.AUTHORIZATION,
            connection=wire.connection,
            doing="testing the connection",
            found=f"a consent without {', '.join(missing)}",
            expected=f"the scopes {' '.join(SCOPES)}",
            next_step="connect the organisation again with all of them: none can be added to a consent",
        )
    return missing


def _asked(wire: Wire, method: str, *arguments: str, **parameters: Any) -> Any:
    """What is answered, None where the scope is missing."""
    try:
        return wire.read(
            method, lambda answer: answer.root, *arguments, doing="asking what the consent allows", **parameters
        )
    except AnswerError as error:
        if not error.lacks_scope:
            raise
        return None


def _ids(root: Any) -> list[str]:
    """Of the one contact; none in an organisation without any, which has no ageing to ask for."""
    found = root.get("Contacts") if isinstance(root, Mapping) else None
    rows = found if isinstance(found, list) else []
    return [str(row.get("ContactID")) for row in rows if isinstance(row, Mapping)]
