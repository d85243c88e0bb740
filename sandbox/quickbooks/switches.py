"""Where the reference does not know what QuickBooks does: the strict reading by default, the other at the turn of a
switch.

Belongs here: the list, with what each reading is. It is documented in docs/sandbox-quickbooks.md; a test holds the
two equal. How switches are turned is `sandbox/switches.py`.
"""

from typing import Literal

from sandbox.switches import Switchboard


class Switches(Switchboard):
    """One attribute per switch; the first value of a Literal is the default and the strict reading, the rest are
    numbers."""

    rotate_on_every_refresh: Literal[False, True] = False
    """False: the refresh token's value changes when it is 24 h old. True: with every refresh."""
    rate_limits: Literal[True, False] = True
    """True: 500 requests a minute and 10 at once, then 429. False: no limits."""
    throttle_body: Literal["xml", "json"] = "xml"
    """The body of a 429, whatever was asked for."""
    page_above_1000: Literal["fault", "cap"] = "fault"
    """MAXRESULTS above 1000 is fault 4001, or means 1000."""
    cdc_since: Literal["exclusive", "inclusive"] = "exclusive"
    """Whether an object changed exactly at changedSince is left out."""
    cdc_older_than_30_days: Literal["omit", "fault", "serve"] = "omit"
    """Changes older than 30 days are silently missing, the call is refused, or they are served (as one call of 2020
    was).
    """
    merged_documents: Literal["unchanged", "changed"] = "unchanged"
    """Documents of a customer or vendor merged away: SyncToken and time stay, so that no delta shows them, or move."""
    cdc_time_activity: Literal["refused", "served"] = "refused"
    """Whether change data capture knows TimeActivity: not by the manual, but by a release note of 2021."""
    limits_clock: Literal["machine", "simulator"] = "machine"
    """Which clock counts the requests of a minute; with the simulator's a test need not wait for it."""
    no_accept_header: Literal["xml", "json"] = "xml"
    """The representation when a request has no Accept header at all."""
    request_id_with_other_body: Literal["replay", "fault"] = "replay"
    """A repeated requestid with a changed body: the first answer again and nothing done, or fault 600."""
    request_id_seconds: float = 86400
    """How long an answer is remembered under its requestid; after that the same id does the work again. No figure is
    known: a day, so that a client which relies on more is found.
    """
    request_id_errors: Literal["forgotten", "stored"] = "forgotten"
    """Whether a fault is remembered under the requestid as well, so that only a new id can try again."""
    query_lag_seconds: float = 0
    """How long a query does not show a write; reads by Id and change data capture do."""
    refresh_overlap_seconds: float = 86400
    """How long the value of a refresh token works on after a new one was issued; 0 is strict single use."""
    refresh_reuse: Literal["refused", "revokes"] = "refused"
    """A refresh token sent after its overlap: refused, or refused and the whole grant revoked with it."""
    webhook_scope: Literal["written", "touched"] = "written"
    """Webhooks tell of the object a request wrote, or also of those whose SyncToken moved with it (a paid invoice)."""
    gzip: Literal[False, True] = False
    """Whether answers are compressed for clients that accept it (no capture shows it)."""
    duplicate_document_numbers: Literal["fault", "allow"] = "fault"
    """A DocNumber used before on the same kind of sales document: fault 6140, or accepted."""
    inactive_name: Literal["taken", "free"] = "taken"
    """The name of an inactive object: still collides (6240) with the name it had, or is free again."""
    deactivate_with_balance: Literal["fault", "allow"] = "fault"
    """Making a customer, vendor or account inactive that has a balance: fault 6000, or accepted."""
    fine_amounts: Literal["fault", "round"] = "fault"
    """Amounts of more than two decimals: fault 6000, or rounded half up."""
    account_update_time: Literal["omitted", "shown"] = "omitted"
    """The answer to a new account leaves LastUpdatedTime out (as captured), or has it."""
    purchase_order_links: Literal["lines", "ignored"] = "lines"
    """A bill line with LinkedTxn to a purchase order line closes that line; or such links are ignored."""
    bill_document_numbers: Literal["allow", "fault"] = "allow"
    """A vendor's bill number used twice: accepted (the company preference is off by default), or fault 6140."""
    unknown_report_parameters: Literal["fault", "ignore"] = "fault"
    """A query parameter no report has: fault 2010, or no effect."""
