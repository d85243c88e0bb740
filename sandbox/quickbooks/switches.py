"""Where the reference does not know what QuickBooks does: the strict reading by default, the other at the turn of a
switch.

Belongs here: the list, with what each reading is. It is documented in docs/sandbox-quickbooks.md; a test holds the
two equal. `POST /_sandbox/switches {"name": value}` turns some, `GET` shows all.
"""

from typing import Any, Literal, get_args, get_type_hints


class Switches:
    """One attribute per switch; the first value of its type is the default and the strict reading."""

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
    no_accept_header: Literal["xml", "json"] = "xml"
    """The representation when a request has no Accept header at all."""
    request_id_with_other_body: Literal["replay", "fault"] = "replay"
    """A repeated requestid with a changed body: the first answer again and nothing done, or fault 600."""
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

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in get_type_hints(Switches)}

    def turn(self, changes: dict[str, Any]) -> None:
        """Turn some switches. Raises ValueError naming the switch and its values when one is unknown."""
        hints = get_type_hints(Switches)
        for name, value in changes.items():
            if name not in hints:
                raise ValueError(f"there is no switch {name!r}; there are {', '.join(sorted(hints))}")
            allowed = get_args(hints[name])
            if not any(value == each and type(value) is type(each) for each in allowed):
                raise ValueError(f"switch {name} cannot be {value!r}; it can be {' or '.join(map(repr, allowed))}")
        for name, value in changes.items():
            setattr(self, name, value)
