"""Where the reference does not know what Xero does: the strict reading by default, the other at the turn of a switch.

Belongs here: the list, with what each reading is. It is documented in docs/sandbox-xero.md; a test holds the two equal.
"""

from typing import Literal

from sandbox.switches import Switchboard


class Switches(Switchboard):
    """One attribute per switch; the first value of its type is the default and the strict reading."""

    rate_limits: Literal[True, False] = True
    """True: 60 requests a minute and 5 at once for an organisation, 10,000 a minute for the app, a day's budget."""
    limits_clock: Literal["machine", "simulator"] = "machine"
    """Which clock counts minutes and days; with the simulator's a test need not wait for it."""
    day_limit: Literal[1000, 5000] = 1000
    """Requests a day for an organisation: the free tier's, or a paid tier's."""
    idempotency_seconds: float = 360
    """How long a key is remembered: 360 as documented; 1200 was measured in June 2026."""
    idempotency_errors: Literal["stored", "forgotten"] = "stored"
    """Whether a refused request is remembered under its key as well."""
    summarised_errors: Literal["save_nothing", "save_good"] = "save_nothing"
    """A summarised 400: nothing of the request is saved, or its good elements are."""
    write_answer_amounts: Literal["unpaid", "present"] = "unpaid"
    """AmountDue and AmountPaid in the answer to a write: as if nothing were paid (captured so), or as they are."""
    tax_amount_limit: Literal["0.10", "none"] = "0.10"
    """By how much a sent TaxAmount may differ from the computed one."""
    contact_name_case: Literal["insensitive", "sensitive"] = "insensitive"
    """Whether names of contacts that differ in case only are the same name."""
    locked_period: Literal["either", "year_end"] = "either"
    """Which lock date closes the books to an app: the later of the two, or only that of the year's end."""
    refresh_grace_seconds: float = 1800
    """How much longer a replaced refresh token works; 0 is strict single use."""
    refresh_reuse: Literal["refused", "revokes"] = "refused"
    """A replaced refresh token used later than that: refused, or it ends the whole consent."""
    scopes: Literal["checked", "ignored"] = "checked"
    """Whether a token must have the scope of what it asks for."""
    missing_scope_status: Literal[403, 401] = 403
    """The status when it has not."""
    no_accept_header: Literal["xml", "json"] = "xml"
    """The representation for a request without an Accept header."""
    addresses_on_update: Literal["merge", "replace"] = "merge"
    """Addresses and phones sent with an update: only their types change, or types left out become empty."""
    currency_rate: Literal["per_base", "in_base"] = "per_base"
    """CurrencyRate counts units of the document's currency for one of the base currency, or the other way round."""
    unknown_ids: Literal["absent", "refuse"] = "absent"
    """An unknown id in IDs: left out of the answer, or the request is refused."""
    unknown_line_id: Literal["refuse", "new"] = "refuse"
    """A LineItemID the document does not have: refused, or taken as a new line."""
    unallocated: Literal["schema", "example"] = "schema"
    """The answer to a deleted allocation: as the published schema has it, or as the published example beside it, which
    the official SDK cannot read.
    """
    not_found_body: Literal["text", "json"] = "text"
    """The body of a 404."""
    scope_spelling: Literal["insufficient_scope", "insufficent_scope"] = "insufficient_scope"
    """How the header of a refused scope is spelt."""
    renamed_contact: Literal["kept_time", "new_time"] = "kept_time"
    """Whether documents that show a renamed contact get a new UpdatedDateUTC."""
    unsupported_reference: Literal["kept", "dropped"] = "kept"
    """A Reference where the published description has none (vendor credits, over- and prepayments): kept, as that of a
    bill was captured, of which the description says the same; or dropped.
    """
    unsupported_url: Literal["kept", "dropped"] = "kept"
    """The Url of an over- or prepayment's bank transaction, of which the description says nothing: kept, or dropped."""
