"""Documents with lines: creating them, changing them, their numbers, statuses and totals.

Belongs here: what invoices, credit notes, purchase orders and bank transactions have in common; their differences are
rows of `kinds.py`. Lines are `lines.py`, what a settled document still allows is `settled.py`, what a bank transaction
brings along is `banking.py`. Facts: reference sections 5 and 8.
"""

from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.xero import contacts, currencies, lines, periods, settled, wire
from sandbox.xero.kinds import Kind
from sandbox.xero.resources import BY_NAME
from sandbox.xero.wire import Refusal
from sandbox.xero.work import LOOKS, TIME, Work, amount, ordered

LINE_AMOUNT_TYPES = ("Exclusive", "Inclusive", "NoTax")
NUMBER_MAX = 255
SENT_WARNING = "Only AUTHORISED invoices may have SentToContact updated."
TOTAL_DIFFERS = "The invoice total does not equal the sum of the lines."


def find(work: Work, kind: Kind, given: dict[str, Any]) -> dict[str, Any] | None:
    """The document a POST means: by id, else by a number that is unique. Raises Refusal for an unknown id."""
    key = given.get(BY_NAME[kind.resource].key)
    if key and key != wire.ZERO_GUID:
        found = work.get(kind.resource, key)
        if found is None:
            raise Refusal(contacts.NOT_FOUND)
        return found
    type_name = _type_of(kind, given)
    if type_name in kind.prefixes and given.get(kind.number):
        return numbered(work, kind, type_name, given[kind.number])
    return None


def numbered(work: Work, kind: Kind, type_name: str, number: str) -> dict[str, Any] | None:
    """The document of this type and number; deleted ones gave their number up."""
    for found in work.by(kind.resource, kind.number, number):
        if found.get("Type", type_name) == type_name and found["Status"] not in kind.ended:
            return found
    return None


def _type_of(kind: Kind, given: dict[str, Any]) -> str:
    return given.get("Type") or (next(iter(kind.types)) if len(kind.types) == 1 else "")


def create(work: Work, kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """Make a document. Raises Refusal."""
    type_name, status = _type_of(kind, given), given.get("Status", kind.default_status)
    if type_name not in kind.types:
        raise Refusal(f"{kind.title} type '{type_name}' is not valid; it must be one of {', '.join(kind.types)}.")
    if status not in kind.created_as:
        raise Refusal(f"{kind.title} not of valid status for creation")
    key_name = BY_NAME[kind.resource].key
    value: dict[str, Any] = {
        "Type": type_name,
        key_name: work.books.ids.new(),
        "Status": status,
        **deepcopy(kind.empty),
    }
    if kind.resource == "CreditNotes":
        value["ID"] = value[key_name]
    contact = contacts.named_in(work, given.get("Contact"), may_create=kind.may_create_contact)
    value["Contact"] = contacts.embedded(contact)
    given = {"Date": work.today, "LineAmountTypes": "Exclusive", **given}
    if not given.get("LineItems"):
        raise Refusal("One or more line items must be specified")
    _apply(work, kind, value, given, is_checked=True)
    if kind.resource in ("Invoices", "CreditNotes"):
        value.update({"AmountDue": value["Total"], "AmountPaid": Decimal("0.00"), "AmountCredited": Decimal("0.00")})
    if kind.balance == "RemainingCredit":
        for name in ("AmountDue", "AmountPaid", "AmountCredited"):
            del value[name]
        value["RemainingCredit"] = value["Total"]
    _number(work, kind, value, given)
    return _saved(work, kind, value, TIME)


def update(work: Work, kind: Kind, present: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Change a document: fields left out are kept, a list of lines replaces the list. Raises Refusal."""
    key = present[BY_NAME[kind.resource].key]
    before = work.before[(kind.resource, key)]
    assert before is not None
    _fill(work, kind, present, before)
    status = given.get("Status", before["Status"])
    if before["Status"] in kind.ended or (given.get("Type") and given["Type"] != before.get("Type", given["Type"])):
        raise Refusal(f"{kind.title} not of valid status for modification")
    settled.check_move(kind, before, status)
    if kind.resource != "PurchaseOrders":
        periods.check_document(work, before)
    if status in kind.ended:
        return _ended(work, kind, present, status)
    present["Status"] = status
    if given.get("Contact"):
        found = contacts.named_in(work, given["Contact"], may_create=kind.may_create_contact)
        present["Contact"] = contacts.embedded(found)
    if "LineItems" in given and not given["LineItems"]:
        raise Refusal("One or more line items must be specified")
    _apply(work, kind, present, given, is_checked=before["Status"] not in kind.needs_account_in)
    if kind.number and given.get(kind.number) and given[kind.number] != before.get(kind.number):
        _number(work, kind, present, given)
    is_settled = settled.is_settled(kind, before)
    mark = TIME
    if is_settled:
        changed = settled.check_changes(kind, before, present)
        if changed & {"Contact", kind.number}:
            settled.show_elsewhere(work, kind, present)
        # What the service does not tell a delta about (reference section 4).
        mark = LOOKS if changed <= {"DueDate", "DueDateString", "SentToContact"} else TIME
    elif kind.balance:
        present[kind.balance] = present["Total"]
    return _saved(work, kind, present, mark)


def _fill(work: Work, kind: Kind, present: dict[str, Any], before: dict[str, Any]) -> None:
    """Give a loaded document what one made here has, so that leaving it out is no change."""
    filled = {
        "Type": next(iter(kind.types)),
        "LineItems": [],
        "Total": Decimal("0.00"),
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": work.base_currency,
        "CurrencyRate": Decimal("1.000000"),
        **kind.empty,
    }
    for name, each in filled.items():
        present.setdefault(name, deepcopy(each))
    for line in present["LineItems"]:
        if "LineItemID" not in line:
            line["LineItemID"] = work.books.ids.new()
    for name in filled:
        before[name] = deepcopy(present[name])


def _ended(work: Work, kind: Kind, present: dict[str, Any], status: str) -> dict[str, Any]:
    """Void or delete: nothing of it is due, totals and lines stay."""
    present["Status"] = status
    if kind.balance:
        present[kind.balance] = Decimal("0.00")
    return _saved(work, kind, present, TIME)


def _saved(work: Work, kind: Kind, value: dict[str, Any], mark: int) -> dict[str, Any]:
    value = ordered(value, kind.order)
    work.replace(kind.resource, value, mark)
    return value


def _apply(work: Work, kind: Kind, value: dict[str, Any], given: dict[str, Any], *, is_checked: bool) -> None:
    """Put sent fields into a document and compute what follows from them.

    Lines that are not sent are looked at again only where `is_checked`: a total somebody changed by a cent in Xero
    itself stays.
    """
    dropped = _dropped(work, kind, value["Type"])
    for name in kind.writable:
        if name in given and name not in kind.days and name not in dropped:
            value[name] = given[name]
    for name in kind.days:
        if given.get(name) is not None:
            value.update(wire.day_fields(name, given[name]))
    _currency(work, value, given)
    types = given.get("LineAmountTypes", value.get("LineAmountTypes", "Exclusive"))
    types = {each.lower(): each for each in LINE_AMOUNT_TYPES}.get(types.lower(), types)
    if types not in LINE_AMOUNT_TYPES:
        raise Refusal(f"LineAmountTypes must be one of {', '.join(LINE_AMOUNT_TYPES)}.")
    was_types = value.get("LineAmountTypes", "")
    is_recomputed = "LineItems" in given or types != value.get("LineAmountTypes")
    value["LineAmountTypes"] = types
    is_authorised = value["Status"] in kind.needs_account_in
    if is_recomputed or (is_authorised and is_checked):
        setting = lines.Setting(
            half="SalesDetails" if kind.types[value["Type"]] == "sales" else "PurchaseDetails",
            needs_account=is_authorised,
            allows_discount=value["Type"] == "ACCREC",
            places=4 if work.is_fine else kind.places,
            line_amount_types=types,
            was_types=was_types,
            is_control=value["Type"].endswith("-OVERPAYMENT"),
        )
        present = value.get("LineItems", [])
        own = [{"LineItemID": line["LineItemID"]} for line in present if "LineItemID" in line]
        value["LineItems"] = lines.complete(work, given.get("LineItems", own), present, setting)
        value.update(lines.totals(value["LineItems"], types))
        if kind.resource == "Invoices":
            value["IsDiscounted"] = any({"DiscountRate", "DiscountAmount"} & line.keys() for line in value["LineItems"])
    _check_sent_totals(value, given)
    if is_authorised and is_checked and kind.needs_due_date and "DueDate" not in value:
        raise Refusal("DueDate must be specified for an AUTHORISED invoice")
    if is_authorised:
        periods.check_document(work, value)
    if value["Total"] < 0:
        raise Refusal(f"The {kind.title.lower()} total cannot be negative")
    _sent(work, kind, value, given)


def _dropped(work: Work, kind: Kind, type_name: str) -> set[str]:
    """The properties of which nothing remains, where the switches say so."""
    if type_name not in kind.unsupported:
        return set()
    switches = {"Reference": work.options.unsupported_reference, "Url": work.options.unsupported_url}
    return {name for name, position in switches.items() if position == "dropped"}


def _sent(work: Work, kind: Kind, value: dict[str, Any], given: dict[str, Any]) -> None:
    if "SentToContact" not in given or kind.resource not in ("Invoices", "PurchaseOrders"):
        return
    may_be = ("AUTHORISED", "PAID") if kind.resource == "Invoices" else ("AUTHORISED", "BILLED")
    if value["Status"] in may_be:
        value["SentToContact"] = given["SentToContact"]
    else:
        # Also for false: a recorded update of a draft that sent it got this warning.
        work.warnings.append(SENT_WARNING)


def _check_sent_totals(value: dict[str, Any], given: dict[str, Any]) -> None:
    for name in ("SubTotal", "TotalTax", "Total"):
        if name in given and "LineItems" in given and wire.half_up(given[name]) != value[name]:
            raise Refusal(TOTAL_DIFFERS)


def _currency(work: Work, value: dict[str, Any], given: dict[str, Any]) -> None:
    code = given.get("CurrencyCode") or value.get("CurrencyCode") or work.base_currency
    if work.get("Currencies", code) is None:
        raise Refusal(f"Organisation is not subscribed to currency {code}")
    is_changed = code != value.get("CurrencyCode")
    value["CurrencyCode"] = code
    if code == work.base_currency:
        value["CurrencyRate"] = Decimal("1.000000")
    elif given.get("CurrencyRate"):
        if given["CurrencyRate"] <= 0:
            raise Refusal("CurrencyRate must be greater than zero")
        value["CurrencyRate"] = wire.half_up(given["CurrencyRate"], 6)
    elif is_changed or "CurrencyRate" not in value:
        value["CurrencyRate"] = currencies.day_rate(work, code)


def _number(work: Work, kind: Kind, value: dict[str, Any], given: dict[str, Any]) -> None:
    if not kind.number:
        return
    prefix, number = kind.prefixes.get(value["Type"]), given.get(kind.number)
    if number is not None and len(number) > NUMBER_MAX:
        raise Refusal(f"{kind.number} must be no more than {NUMBER_MAX} characters.")
    if prefix is None:
        if number is not None or value["Status"] != "DRAFT":
            value[kind.number] = number or ""
        return
    if not number:
        value[kind.number] = _next_number(work, kind, prefix)
        return
    other = numbered(work, kind, value["Type"], number)
    if other is not None and other[BY_NAME[kind.resource].key] != value[BY_NAME[kind.resource].key]:
        raise Refusal(kind.duplicate)
    value[kind.number] = number


def _next_number(work: Work, kind: Kind, prefix: str) -> str:
    """The next number of a series; the first one goes on from the highest in the books."""
    table, books = work.books.tables[kind.resource], work.books
    if prefix not in books.numbers:
        used = [str(each)[len(prefix) :] for each in table.column(kind.number).values() if str(each).startswith(prefix)]
        books.numbers[prefix] = max((int(each) for each in used if each.isdigit()), default=0)
    while True:
        books.numbers[prefix] += 1
        number = f"{prefix}{books.numbers[prefix]:04d}"
        if not table.equal(kind.number, number):
            return number


def day(value: dict[str, Any], name: str = "Date") -> date:
    return wire.day_of(value[name])


def base_amount(work: Work, value: dict[str, Any], figure: Decimal) -> Decimal:
    """An amount of a document in the organisation's currency, rounded half up."""
    return currencies.in_base(figure, amount(value, "CurrencyRate") or Decimal(1), work.options.currency_rate)
