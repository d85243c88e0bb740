"""Identity: consent, codes, rotation with its grace, PKCE, custom connections, revocation, connections."""

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.http import Answer, Request
from sandbox.xero import wire
from sandbox.xero.identity import CLIENT_ID, CLIENT_SECRET, CUSTOM_ID, CUSTOM_SECRET
from sandbox.xero.plug import TENANT_ID
from tests.sandbox.xero.company import Company

RECORDED = Path(__file__).parents[3].parent / "shared" / "reference" / "xero" / "recorded"
OTHER = "99999999-1111-4111-8111-111111111111"
REDIRECT = "https://app.example.com/callback?x=1"
SCOPE = "openid offline_access accounting.contacts accounting.invoices"


@pytest.fixture
def company() -> Company:
    company = Company()
    company.load(Organisations=[{"OrganisationID": OTHER, "Name": "Second"}])
    return company


def ask(
    company: Company, path: str, query: dict[str, Any] | None = None, method: str = "GET", **headers: str
) -> Answer:
    text = urlencode(query or {}, doseq=True)
    return company.erp.handle(Request(method, path, text, headers, b"", "http://127.0.0.1:1"))


def token(company: Company, path: str = "/connect/token", basic: str = "", **form: str) -> tuple[int, Any]:
    headers = {"authorization": "Basic " + base64.b64encode(basic.encode()).decode()} if basic else {}
    answer = company.erp.handle(Request("POST", path, "", headers, urlencode(form).encode()))
    return answer.status, wire.decode(answer.body) if answer.body else {}


def consent(company: Company, **more: Any) -> str:
    query = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT, "scope": SCOPE, "state": "s1"}
    answer = ask(company, "/identity/connect/authorize", {**query, "decision": "allow", **more})
    assert answer.status == 302
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert back["state"] == ["s1"]
    return back["code"][0]


def exchanged(company: Company, code: str, **more: str) -> tuple[int, Any]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, **more}
    if "code_verifier" not in more:
        form["client_secret"] = CLIENT_SECRET
    return token(company, client_id=CLIENT_ID, **form)


def refreshed(company: Company, value: str, **more: str) -> tuple[int, Any]:
    return token(
        company,
        grant_type="refresh_token",
        refresh_token=value,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        scope=SCOPE,
        **more,
    )


def connections(company: Company, access: str, **query: str) -> list[Any]:
    return wire.decode(ask(company, "/Connections", query, authorization=f"Bearer {access}").body)


def test_consent_is_a_page_that_leads_back_with_a_code(company: Company):
    query = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT, "scope": "<b>", "state": "s"}

    page = ask(company, "/identity/connect/authorize", query)
    cancelled = ask(company, "/identity/connect/authorize", {**query, "decision": "cancel"})
    wrong = ask(company, "/identity/connect/authorize", {**query, "client_id": "x"})

    assert page.status == 200
    assert b"Sandbox Company" in page.body
    assert b"<b>" not in page.body.replace(b"<button", b"")
    assert "error=access_denied" in cancelled.headers["Location"]
    assert wrong.status == 400


def test_a_code_is_worth_tokens_once_and_only_at_its_address(company: Company):
    code = consent(company)

    assert exchanged(company, consent(company), redirect_uri="https://other.example.com")[1] == {
        "error": "invalid_grant"
    }
    status, answer = exchanged(company, code)
    assert (status, answer["token_type"], answer["expires_in"], answer["scope"]) == (200, "Bearer", 1800, SCOPE)
    assert exchanged(company, code) == (400, {"error": "invalid_grant"})
    late = consent(company)
    company.later(301)
    assert exchanged(company, late) == (400, {"error": "invalid_grant"})


def test_only_the_ticked_organisations_are_connected(company: Company):
    answer = exchanged(company, consent(company, tenant=[OTHER]))[1]

    (row,) = connections(company, answer["access_token"])
    assert (row["tenantId"], row["tenantType"], row["tenantName"]) == (OTHER, "ORGANISATION", "Second")
    headers = {"authorization": f"Bearer {answer['access_token']}"}
    assert company.send("GET", "/Contacts", None, headers).status == 403
    assert company.send("GET", "/Contacts", None, {**headers, "xero-tenant-id": OTHER}).status == 200


def test_a_second_consent_keeps_the_first_event_of_a_connection_and_can_be_filtered_by(company: Company):
    first = exchanged(company, consent(company, tenant=[TENANT_ID]))[1]
    event = connections(company, first["access_token"])[0]["authEventId"]
    company.later()
    second = exchanged(company, consent(company))[1]

    rows = connections(company, second["access_token"])

    assert [each["authEventId"] == event for each in rows] == [True, False]
    assert rows[0]["updatedDateUtc"] > rows[0]["createdDateUtc"]
    assert [each["tenantId"] for each in connections(company, second["access_token"], authEventId=event)] == [TENANT_ID]


def test_no_refresh_token_comes_without_offline_access(company: Company):
    answer = exchanged(company, consent(company, scope="accounting.contacts"))[1]

    assert "refresh_token" not in answer
    assert "id_token" not in answer


def test_a_refresh_replaces_the_token_and_the_old_one_works_half_an_hour_longer(company: Company):
    old = exchanged(company, consent(company))[1]["refresh_token"]

    new = refreshed(company, old)[1]["refresh_token"]
    company.later(1799)
    again = refreshed(company, old)[1]
    company.later(1)

    assert new != old
    assert again["refresh_token"] == new
    assert refreshed(company, old) == (400, {"error": "invalid_grant"})
    assert refreshed(company, new)[0] == 200


def test_without_grace_a_token_is_of_single_use_and_reuse_may_end_the_consent(company: Company):
    company.erp.options.turn({"refresh_grace_seconds": 0, "refresh_reuse": "revokes"})
    old = exchanged(company, consent(company))[1]["refresh_token"]
    new = refreshed(company, old)[1]["refresh_token"]

    assert refreshed(company, old) == (400, {"error": "invalid_grant"})
    assert refreshed(company, new) == (400, {"error": "invalid_grant"})


def test_a_refresh_token_unused_for_sixty_days_is_dead(company: Company):
    value = exchanged(company, consent(company))[1]["refresh_token"]
    company.later(timedelta(days=60).total_seconds())

    assert refreshed(company, value) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("method", ["S256", "plain"])
def test_pkce_needs_the_verifier_and_no_secret(company: Company, method: str):
    verifier = "v" * 50
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    challenge = {"code_challenge": digest if method == "S256" else verifier, "code_challenge_method": method}

    assert exchanged(company, consent(company, **challenge), code_verifier="w" * 50)[0] == 400
    status, answer = exchanged(company, consent(company, **challenge), code_verifier=verifier)
    assert status == 200
    assert (
        token(company, grant_type="refresh_token", refresh_token=answer["refresh_token"], client_id=CLIENT_ID)[0] == 200
    )


def test_a_custom_connection_has_no_refresh_token_and_needs_no_tenant(company: Company):
    status, answer = token(company, grant_type="client_credentials", client_id=CUSTOM_ID, client_secret=CUSTOM_SECRET)
    basic = token(company, grant_type="client_credentials", basic=f"{CUSTOM_ID}:{CUSTOM_SECRET}")

    assert (status, basic[0], "refresh_token" in answer) == (200, 200, False)
    headers = {"authorization": f"Bearer {answer['access_token']}", "xero-tenant-id": ""}
    assert company.send("GET", "/Organisation", None, headers).status == 200
    assert company.send("GET", "/Organisation", None, {**headers, "xero-tenant-id": OTHER}).status == 403
    assert token(company, grant_type="client_credentials", client_id=CUSTOM_ID, client_secret="x")[0] == 400


def test_access_tokens_look_like_jwts_that_name_the_consent(company: Company):
    access = exchanged(company, consent(company))[1]["access_token"]

    head, claims, _ = access.split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["typ"] == "JWT"
    assert read["authentication_event_id"] == connections(company, access)[0]["authEventId"]
    assert read["scope"] == SCOPE.split()


def test_revoking_ends_the_consent_and_its_connections(company: Company):
    answer = exchanged(company, consent(company))[1]

    status, _ = token(
        company, "/connect/revocation", basic=f"{CLIENT_ID}:{CLIENT_SECRET}", token=answer["refresh_token"]
    )

    assert status == 200
    assert refreshed(company, answer["refresh_token"]) == (400, {"error": "invalid_grant"})
    assert ask(company, "/connections", authorization=f"Bearer {answer['access_token']}").status == 401
    assert (
        connections(company, exchanged(company, consent(company, tenant=[OTHER]))[1]["access_token"])[0]["tenantId"]
        == OTHER
    )


def test_a_connection_is_taken_off_by_its_own_id(company: Company):
    access = exchanged(company, consent(company))[1]["access_token"]
    rows = connections(company, access)
    bearer = {"authorization": f"Bearer {access}"}

    assert ask(company, f"/connections/{rows[0]['tenantId']}", method="DELETE", **bearer).status == 404
    assert ask(company, f"/connections/{rows[0]['id']}", method="DELETE", **bearer).status == 204
    assert [each["id"] for each in connections(company, access)] == [rows[1]["id"]]
    assert company.send("GET", "/Contacts", None, bearer).status == 403


def test_discovery_points_back_at_the_simulator(company: Company):
    found = wire.decode(ask(company, "/.well-known/openid-configuration").body)

    assert found["token_endpoint"] == "http://127.0.0.1:1/connect/token"
    assert found["authorization_endpoint"] == "http://127.0.0.1:1/identity/connect/authorize"


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.is_dir(), reason="the captured answers are not kept beside this checkout")
def test_token_and_connection_have_the_recorded_keys(company: Company):
    answer = exchanged(company, consent(company))[1]

    recorded = json.loads((RECORDED / "token_refresh_2020.json").read_text())
    assert answer.keys() == recorded.keys()
    for name in ("connections_2020", "connections_2022"):
        (row,) = json.loads((RECORDED / f"{name}.json").read_text())
        ours = connections(company, answer["access_token"])[0]
        # The capture of 2020 is older than two of the keys.
        assert row.keys() <= ours.keys() == {*row.keys(), "authEventId", "tenantName"}
        assert len(ours["createdDateUtc"]) == len(row["createdDateUtc"])
