"""Scopes: which of them lets a token do what.

Belongs here: the table of broad and granular scopes and the one question. Facts: reference section 2.
"""

from sandbox.xero.resources import BY_PATH

_BROAD = {
    "accounting.invoices": "accounting.transactions",
    "accounting.payments": "accounting.transactions",
    "accounting.banktransactions": "accounting.transactions",
    "accounting.manualjournals": "accounting.transactions",
    "accounting.journals": "accounting.journals",
}
_REPORTS = {
    "agedreceivablesbycontact": "accounting.reports.aged",
    "agedpayablesbycontact": "accounting.reports.aged",
    "trialbalance": "accounting.reports.trialbalance",
    "balancesheet": "accounting.reports.balancesheet",
}
ALL = (
    "openid profile email offline_access accounting.invoices accounting.payments accounting.banktransactions "
    "accounting.manualjournals accounting.contacts accounting.settings accounting.attachments accounting.journals.read "
    "accounting.reports.aged.read accounting.reports.trialbalance.read accounting.reports.balancesheet.read"
)


def allows(granted: set[str], method: str, parts: list[str]) -> bool:
    """Whether a token with these scopes may send this request; `parts` is the path below /api.xro/2.0."""
    name = parts[0].lower() if parts else ""
    if name == "reports":
        return bool(granted & _reports(parts[1].lower() if len(parts) > 1 else ""))
    if len(parts) > 2 and parts[2].lower() == "attachments":
        wanted = ["accounting.attachments"]
    else:
        wanted = BY_PATH[name].scope.split() if name in BY_PATH else []
    wanted += [_BROAD[each] for each in wanted if each in _BROAD]
    accepted = set(wanted)
    if method == "GET":
        accepted |= {f"{each}.read" for each in wanted}
    return not wanted or bool(granted & accepted)


def _reports(name: str) -> set[str]:
    own = _REPORTS.get(name, f"accounting.reports.{name}")
    return {"accounting.reports.read", f"{own}.read", own}
