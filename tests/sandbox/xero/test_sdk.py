"""The official SDK over real HTTP, unmodified, through every group of endpoints; it must read every answer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from xero_python.accounting import (
    Account,
    AccountType,
    Allocation,
    Allocations,
    BankTransaction,
    BankTransactions,
    BatchPayment,
    BatchPaymentDelete,
    BatchPayments,
    Contact,
    Contacts,
    CreditNote,
    CreditNotes,
    Currency,
    CurrencyCode,
    HistoryRecord,
    HistoryRecords,
    Invoice,
    Invoices,
    Item,
    Items,
    LineItem,
    LineItemTracking,
    Payment,
    PaymentDelete,
    Payments,
    Phone,
    Purchase,
    PurchaseOrder,
    PurchaseOrders,
    TaxComponent,
    TaxRate,
    TaxRates,
    TrackingCategory,
    TrackingOption,
)
from xero_python.exceptions import (
    AccountingBadRequestException,
    HTTPStatusException,
    NotFoundException,
    RateLimitException,
)

from tests.sandbox.process import Server, running
from tests.sandbox.xero.sdk import Sdk


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(erp="xero") as server:
        yield server


@pytest.fixture
def sdk(server: Server) -> Sdk:
    server.control("POST", "clock", {"now": "2026-11-21T12:00:00Z", "frozen": True})
    server.control("POST", "switches", {"rate_limits": False, "idempotency_seconds": 360})
    server.control("POST", "reset", {"seed": "empty", "random_seed": 5})
    return Sdk(server)


def line(amount: float = 100.0, **more: object) -> LineItem:
    given = {"description": "Work", "quantity": 1.0, "unit_amount": amount, "account_code": "200", "tax_type": "NONE"}
    return LineItem(**{**given, **more})


def contact(sdk: Sdk, name: str = "Larkspur College") -> Contact:
    found = sdk.api.create_contacts(sdk.tenant, contacts=Contacts(contacts=[Contact(name=name)])).contacts[0]
    return Contact(contact_id=found.contact_id)


def invoice(sdk: Sdk, of: Contact, amount: float = 100.0, **more: object) -> Invoice:
    given = {"date": date(2026, 11, 10), "due_date": date(2026, 12, 10), "status": "AUTHORISED", "type": "ACCREC"}
    body = Invoice(contact=of, **{"line_items": [line(amount)], **given, **more})
    return sdk.api.create_invoices(sdk.tenant, invoices=Invoices(invoices=[body])).invoices[0]


def bank(code: str = "090") -> Account:
    return Account(code=code)


def test_tokens_are_refreshed_saved_and_revoked(sdk: Sdk):
    sdk._held = {**sdk._held, "expires_at": 0}

    connections = sdk.identity.get_connections()

    assert [each.tenant_id for each in connections] == [sdk.tenant]
    assert sdk.saved[0]["refresh_token"] != sdk.tokens["refresh_token"]
    assert connections[0].created_date_utc == datetime(2026, 11, 21, 12, tzinfo=UTC)
    sdk.client.revoke_oauth2_token()
    assert sdk.saved[-1]["access_token"] is None


def test_client_credentials_are_a_custom_connection(sdk: Sdk):
    custom = sdk.tokens["custom_connection"]
    sdk.client.configuration.oauth2_token.client_id = custom["client_id"]
    sdk.client.configuration.oauth2_token.client_secret = custom["client_secret"]

    sdk.client.get_client_credentials_token()

    assert sdk.api.get_organisations("").organisations[0].organisation_id == sdk.tenant


def test_a_connection_is_deleted(sdk: Sdk):
    (found,) = sdk.identity.get_connections()

    sdk.identity.delete_connection(found.id)

    with pytest.raises(HTTPStatusException) as refused:
        sdk.api.get_organisations(sdk.tenant)
    assert refused.value.status == 403


def test_settings_are_read_and_written(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    account = api.create_account(tenant, Account(code="205", name="Licences", type=AccountType.REVENUE)).accounts[0]
    rate = TaxRate(name="Local", tax_components=[TaxComponent(name="City", rate=2.5)])

    assert api.get_organisations(tenant).organisations[0].base_currency == CurrencyCode.USD
    assert account.account_id in [
        each.account_id for each in api.get_accounts(tenant, where='Class=="REVENUE"').accounts
    ]
    assert api.create_tax_rates(tenant, TaxRates(tax_rates=[rate])).tax_rates[0].effective_rate == Decimal("2.5")
    assert api.create_currency(tenant, Currency(code=CurrencyCode.EUR)).currencies[0].description == "Euro"
    assert len(api.get_currencies(tenant).currencies) == 2
    category = api.create_tracking_category(tenant, TrackingCategory(name="Region")).tracking_categories[0]
    api.create_tracking_options(tenant, category.tracking_category_id, TrackingOption(name="North"))
    assert api.get_tracking_categories(tenant).tracking_categories[0].options[0].name == "North"
    assert api.delete_account(tenant, account.account_id).accounts[0].status == "DELETED"


def test_contacts_are_written_found_and_refused(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    made = contact(sdk, "Radio Teasel")
    body = Contact(phones=[Phone(phone_type="DEFAULT", phone_number="555")], contact_number="C-1")
    changed = api.update_contact(tenant, made.contact_id, Contacts(contacts=[body])).contacts[0]

    assert [each.phone_number for each in changed.phones if each.phone_type == "DEFAULT"] == ["555"]
    assert api.get_contact_by_contact_number(tenant, "C-1").contacts[0].name == "Radio Teasel"
    assert api.get_contacts(tenant, i_ds=[made.contact_id], page=1).pagination.item_count == 1
    with pytest.raises(AccountingBadRequestException) as refused:
        api.create_contacts(tenant, contacts=Contacts(contacts=[Contact(name="radio teasel")]))
    assert "already assigned to another contact" in refused.value.reason
    answer = api.create_contacts(
        tenant, contacts=Contacts(contacts=[Contact(name="radio teasel"), Contact(name="New")]), summarize_errors=False
    )
    assert [each.status_attribute_string for each in answer.contacts] == ["ERROR", "OK"]


def test_items_are_written_and_deleted(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    details = Purchase(unit_price=1.2345, account_code="200", tax_type="OUTPUT")
    body = Items(items=[Item(code="BOOK", name="Book", sales_details=details)])
    made = api.create_items(tenant, items=body, unitdp=4).items[0]

    assert made.sales_details.unit_price == Decimal("1.2345")
    assert api.get_items(tenant).items[0].sales_details.unit_price == Decimal("1.23")
    assert api.update_or_create_items(tenant, items=body).items[0].item_id == made.item_id
    api.delete_item(tenant, made.item_id)
    with pytest.raises(NotFoundException):
        api.get_item(tenant, made.item_id)


def test_invoices_are_written_listed_and_voided(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    of = contact(sdk)
    made = invoice(sdk, of, 25.06, line_items=[line(each, tax_type="OUTPUT") for each in (25.06, 25.61, 25.63)])
    bill = invoice(sdk, of, type="ACCPAY", line_items=[line(account_code="429")], invoice_number="S-1")

    assert (made.total, made.total_tax, made.invoice_number) == (Decimal("87.74"), Decimal("11.44"), "INV-0001")
    page = api.get_invoices(
        tenant,
        if_modified_since=datetime(2026, 11, 21, 12, tzinfo=UTC),
        where='Type=="ACCPAY"',
        order="UpdatedDateUTC ASC",
        page=1,
        page_size=1000,
    )
    assert [each.invoice_id for each in page.invoices] == [bill.invoice_id]
    assert (page.pagination.page_size, page.pagination.item_count) == (1000, 1)
    assert page.invoices[0].updated_date_utc == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert api.get_invoices(tenant, summary_only=True, statuses=["AUTHORISED"]).pagination.item_count == 2
    api.update_invoice(tenant, bill.invoice_id, Invoices(invoices=[Invoice(status="VOIDED")]))
    voided = api.get_invoice(tenant, bill.invoice_id).invoices[0]
    assert (voided.status, voided.total, voided.amount_due) == ("VOIDED", Decimal("100.00"), Decimal("0.00"))
    api.email_invoice(tenant, made.invoice_id, {})
    assert api.get_online_invoice(tenant, made.invoice_id).online_invoices[0].online_invoice_url.startswith("https://")
    assert api.get_invoice_as_pdf(tenant, made.invoice_id)


def test_tracking_and_multi_currency_travel_with_an_invoice(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    api.create_currency(tenant, Currency(code=CurrencyCode.EUR))
    category = api.create_tracking_category(tenant, TrackingCategory(name="Region")).tracking_categories[0]
    api.create_tracking_options(tenant, category.tracking_category_id, TrackingOption(name="North"))
    tracked = line(tracking=[LineItemTracking(name="Region", option="North")])

    made = invoice(sdk, contact(sdk), currency_code=CurrencyCode.EUR, currency_rate=0.8, line_items=[tracked])

    found = api.get_invoice(tenant, made.invoice_id).invoices[0]
    assert (found.currency_code, found.currency_rate) == (CurrencyCode.EUR, Decimal("0.8"))
    assert found.line_items[0].tracking[0].tracking_category_id == category.tracking_category_id


def test_payments_batches_and_their_deletion(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    of = contact(sdk)
    one, two = invoice(sdk, of), invoice(sdk, of, 50.0)
    body = Payment(
        invoice=Invoice(invoice_id=one.invoice_id), account=bank(), date=date(2026, 11, 20), amount=40.0, reference="x"
    )

    (first,) = api.create_payments(tenant, payments=Payments(payments=[body])).payments
    assert api.get_invoice(tenant, one.invoice_id).invoices[0].amount_due == Decimal("60.00")
    assert api.create_payment(tenant, body).payments[0].payment_type == "ACCRECPAYMENT"
    api.delete_payment(tenant, first.payment_id, PaymentDelete(status="DELETED"))
    listed = api.get_payments(tenant, page=1, where='Status=="AUTHORISED"', order="Date")
    assert [each.status for each in listed.payments] == ["AUTHORISED"]
    part = Payment(invoice=Invoice(invoice_id=two.invoice_id), amount=50.0)
    batches = BatchPayments(batch_payments=[BatchPayment(account=bank(), date=date(2026, 11, 20), payments=[part])])
    batch = api.create_batch_payment(tenant, batches).batch_payments[0]
    assert api.get_invoice(tenant, two.invoice_id).invoices[0].status == "PAID"
    api.delete_batch_payment(tenant, BatchPaymentDelete(batch_payment_id=batch.batch_payment_id, status="DELETED"))
    assert api.get_batch_payment(tenant, batch.batch_payment_id).batch_payments[0].status == "DELETED"
    assert api.get_invoice(tenant, two.invoice_id).invoices[0].amount_due == Decimal("50.00")
    with pytest.raises(AccountingBadRequestException) as refused:
        api.create_payment(tenant, Payment(invoice=body.invoice, account=bank(), date=body.date, amount=999.0))
    assert refused.value.reason == "Payment amount exceeds the amount outstanding on this document"


def test_credit_notes_prepayments_and_overpayments_are_allocated(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    of = contact(sdk)
    made = invoice(sdk, of)
    target = Invoice(invoice_id=made.invoice_id)
    note = CreditNote(
        type="ACCRECCREDIT", contact=of, date=date(2026, 11, 11), status="AUTHORISED", line_items=[line(30.0)]
    )
    credit = api.create_credit_notes(tenant, CreditNotes(credit_notes=[note])).credit_notes[0]
    part = Allocations(allocations=[Allocation(amount=10.0, date=date(2026, 11, 20), invoice=target)])

    done = api.create_credit_note_allocation(tenant, credit.credit_note_id, part).allocations[0]
    assert api.get_credit_note(tenant, credit.credit_note_id).credit_notes[0].remaining_credit == Decimal("20.00")
    kinds = {"RECEIVE-OVERPAYMENT": line(15.0, account_code=None, tax_type=None), "RECEIVE-PREPAYMENT": line(25.0)}
    transactions = [
        BankTransaction(type=kind, contact=of, bank_account=bank(), date=date(2026, 11, 12), line_items=[each])
        for kind, each in kinds.items()
    ]
    api.create_bank_transactions(tenant, BankTransactions(bank_transactions=transactions))
    over, pre = api.get_overpayments(tenant, page=1).overpayments[0], api.get_prepayments(tenant, page=1).prepayments[0]
    assert (over.remaining_credit, pre.remaining_credit) == (Decimal("15.00"), Decimal("25.00"))
    api.create_overpayment_allocations(tenant, over.overpayment_id, part)
    api.create_prepayment_allocations(tenant, pre.prepayment_id, part)
    assert api.get_invoice(tenant, made.invoice_id).invoices[0].amount_credited == Decimal("30.00")
    api.delete_credit_note_allocations(tenant, credit.credit_note_id, done.allocation_id)
    assert api.get_invoice(tenant, made.invoice_id).invoices[0].amount_credited == Decimal("20.00")


def test_bank_transactions_are_written_and_deleted(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    body = BankTransaction(
        type="SPEND",
        contact=contact(sdk),
        bank_account=bank(),
        date=date(2026, 11, 12),
        line_items=[line(9.99, account_code="404")],
    )
    made = api.create_bank_transactions(tenant, BankTransactions(bank_transactions=[body])).bank_transactions[0]

    assert (made.total, made.status, made.bank_account.name) == (Decimal("9.99"), "AUTHORISED", "Business Bank Account")
    deletion = BankTransaction(status="DELETED", type="SPEND", line_items=body.line_items, bank_account=bank())
    changed = BankTransactions(bank_transactions=[deletion])
    api.update_bank_transaction(tenant, made.bank_transaction_id, changed)
    assert api.get_bank_transaction(tenant, made.bank_transaction_id).bank_transactions[0].status == "DELETED"


def test_purchase_orders_are_written_and_billed(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    body = PurchaseOrder(contact=contact(sdk), date=date(2026, 11, 10), line_items=[line(1.2345)], status="AUTHORISED")
    made = api.create_purchase_orders(tenant, PurchaseOrders(purchase_orders=[body])).purchase_orders[0]

    assert (made.purchase_order_number, made.line_items[0].unit_amount) == ("PO-0001", Decimal("1.2345"))
    changed = PurchaseOrders(purchase_orders=[PurchaseOrder(status="BILLED")])
    assert api.update_purchase_order(tenant, made.purchase_order_id, changed).purchase_orders[0].status == "BILLED"
    assert api.get_purchase_orders(tenant, status="BILLED").pagination.item_count == 1
    assert api.get_purchase_order_by_number(tenant, "PO-0001").purchase_orders[0].total == Decimal("1.23")


def test_attachments_and_history(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    made = invoice(sdk, contact(sdk))

    api.create_invoice_attachment_by_file_name(tenant, made.invoice_id, "a.pdf", b"%PDF", include_online=True)
    (file,) = api.get_invoice_attachments(tenant, made.invoice_id).attachments
    assert (file.file_name, file.mime_type, file.content_length) == ("a.pdf", "application/pdf", 4)
    note = HistoryRecords(history_records=[HistoryRecord(details="Called them")])
    api.create_invoice_history(tenant, made.invoice_id, note)
    assert api.get_invoice_history(tenant, made.invoice_id).history_records[0].details == "Called them"


def test_reports(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant
    of = contact(sdk)
    made = invoice(sdk, of)
    api.create_payment(
        tenant,
        Payment(invoice=Invoice(invoice_id=made.invoice_id), account=bank(), date=date(2026, 11, 20), amount=40.0),
    )

    aged = api.get_report_aged_receivables_by_contact(tenant, of.contact_id, date=date(2026, 11, 21)).reports[0]
    assert aged.rows[-1].rows[0].cells[-1].value == "60.00"
    payable = api.get_report_aged_payables_by_contact(tenant, of.contact_id).reports[0]
    assert payable.rows[-1].rows[0].cells[-1].value == "0.00"
    trial = api.get_report_trial_balance(tenant, date=date(2026, 11, 21)).reports[0]
    total = [each.value for each in trial.rows[-1].rows[0].cells]
    assert total == ["Total", "100.00", "100.00", "100.00", "100.00"]
    sheet = api.get_report_balance_sheet(tenant, date=date(2026, 11, 21), periods=2).reports[0]
    assert len(sheet.rows[0].cells) == 4


def test_the_resources_without_a_writer_can_be_read(sdk: Sdk):
    api, tenant = sdk.api, sdk.tenant

    assert api.get_quotes(tenant).quotes == []
    assert api.get_manual_journals(tenant).manual_journals == []
    assert api.get_bank_transfers(tenant).bank_transfers == []
    assert api.get_journals(tenant).journals == []
    assert api.get_users(tenant).users == []
    assert api.get_contact_groups(tenant).contact_groups == []
    assert api.get_linked_transactions(tenant).linked_transactions == []
    assert api.get_repeating_invoices(tenant).repeating_invoices == []
    assert len(api.get_branding_themes(tenant).branding_themes) == 1


def test_an_idempotency_key_makes_one_invoice_of_two_requests(sdk: Sdk):
    body = Invoices(invoices=[Invoice(type="ACCREC", contact=contact(sdk), line_items=[line()])])

    first, second = (sdk.api.create_invoices(sdk.tenant, invoices=body, idempotency_key="k") for _ in range(2))

    assert first.invoices[0].invoice_id == second.invoices[0].invoice_id
    assert len(sdk.api.get_invoices(sdk.tenant).invoices) == 1


def test_limits_are_told_in_headers_and_a_lost_answer_is_sent_again_by_the_sdk_itself(sdk: Sdk, server: Server):
    server.control("POST", "switches", {"rate_limits": True})
    _, _, headers = sdk.api.get_currencies(sdk.tenant, _return_http_data_only=False)
    server.control("POST", "faults", [{"nth": 1, "path": "*/Contacts", "method": "PUT", "drop": "after"}])

    # Nothing but the key keeps a create from being carried out twice: the SDK repeats a PUT whose answer was lost.
    bodies = Contacts(contacts=[Contact(name="Once")])
    sdk.api.create_contacts(sdk.tenant, contacts=bodies, idempotency_key="k1")

    effects = [(each["operation"], each["key"]) for each in server.control("GET", "effects")]
    assert effects == [("create", "k1"), ("replay", "k1")]
    assert headers["X-MinLimit-Remaining"] == "59"
    server.control("POST", "faults", [{"nth": 1, "answer": "throttled_concurrent"}])
    with pytest.raises(RateLimitException) as refused:
        sdk.api.get_currencies(sdk.tenant)
    assert refused.value.rate_limit == "concurrent"
