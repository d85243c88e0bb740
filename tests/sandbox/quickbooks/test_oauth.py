"""OAuth: consent, code, refresh with delayed rotation, expiry, revocation, and what the gateway says to a bad token."""

import base64
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.quickbooks import wire
from tests.sandbox.quickbooks.company import REALM, Company

HOUR = 3600


@pytest.fixture
def company() -> Company:
    return Company()


def basic(company: Company, secret: str | None = None) -> dict[str, str]:
    pair = f"{company.erp.oauth.client_id}:{company.erp.oauth.client_secret if secret is None else secret}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def token(company: Company, **form: str) -> tuple[int, dict[str, Any]]:
    answer = company.send("POST", "/oauth2/v1/tokens/bearer", urlencode(form).encode(), basic(company))
    return answer.status, wire.decode(answer.body)


def refresh(company: Company, value: str) -> tuple[int, dict[str, Any]]:
    return token(company, grant_type="refresh_token", refresh_token=value)


def status_with(company: Company, access: str, realm: str = REALM) -> int:
    headers = {"accept": "application/json", "authorization": f"Bearer {access}"}
    return company.send("GET", f"/v3/company/{realm}/preferences", None, headers).status


@pytest.mark.parametrize("name", ["openid_sandbox_configuration", "openid_configuration"])
def test_discovery_points_back_at_the_simulator(company: Company, name: str):
    found = wire.decode(company.send("GET", f"/.well-known/{name}/", None, {}).body)

    endpoints = [found[key] for key in found if key.endswith("_endpoint") or key == "jwks_uri"]
    assert len(endpoints) == 5
    assert all(each.startswith("http://127.0.0.1:1/") for each in endpoints)


def test_a_user_lets_an_app_in_by_clicking_through_the_consent_page(company: Company):
    asked = {
        "client_id": company.erp.oauth.client_id,
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": "http://localhost:8000/callback",
        "state": "s<1>",
    }
    page = company.send("GET", f"/connect/oauth2?{urlencode(asked)}", None, {}).body.decode()
    assert re.search(r'<button name="decision" value="connect">', page) and "s<1>" not in page

    answer = company.send("GET", f"/connect/oauth2?{urlencode({**asked, 'decision': 'connect'})}", None, {})
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (answer.status, back["state"], back["realmId"]) == (302, ["s<1>"], [REALM])
    form = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": asked["redirect_uri"]}
    status, granted = token(company, **form)

    assert (status, granted["expires_in"], granted["token_type"]) == (200, 3600, "bearer")
    assert granted["x_refresh_token_expires_in"] == 8726400
    assert status_with(company, granted["access_token"]) == 200
    assert token(company, **form) == (400, {"error": "invalid_grant"})


def test_a_user_who_refuses_sends_the_app_away(company: Company):
    asked = {
        "client_id": company.erp.oauth.client_id,
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": "http://x/cb",
    }

    answer = company.send("GET", f"/connect/oauth2?{urlencode({**asked, 'decision': 'cancel'})}", None, {})

    assert "error=access_denied" in answer.headers["Location"]


def test_the_refresh_token_changes_after_a_day_and_the_old_one_works_for_another(company: Company):
    first = company.erp.tokens()["refresh_token"]
    assert refresh(company, first)[1]["refresh_token"] == first
    company.later(24 * HOUR)

    second = refresh(company, first)[1]["refresh_token"]

    assert second != first
    company.later(23 * HOUR)
    assert refresh(company, first)[1]["refresh_token"] == second
    company.later(HOUR)
    assert refresh(company, first) == (400, {"error": "invalid_grant"})
    assert refresh(company, second)[0] == 200


def test_a_switch_makes_every_refresh_rotate(company: Company):
    company.erp.turn({"rotate_on_every_refresh": True})
    first = company.erp.tokens()["refresh_token"]

    second = refresh(company, first)[1]["refresh_token"]

    assert second != first
    assert refresh(company, first)[1]["refresh_token"] == second


def test_a_refresh_token_dies_after_a_hundred_days_unused(company: Company):
    first = company.erp.tokens()["refresh_token"]
    company.later(8726400)

    assert refresh(company, first) == (400, {"error": "invalid_grant"})


def test_a_wrong_client_is_told_so(company: Company):
    form = urlencode({"grant_type": "refresh_token", "refresh_token": "x"}).encode()

    answer = company.send("POST", "/oauth2/v1/tokens/bearer", form, basic(company, "wrong"))

    assert (answer.status, wire.decode(answer.body)) == (401, {"error": "invalid_client"})


def test_an_access_token_works_for_an_hour_and_for_its_own_company(company: Company):
    access = company.erp.tokens()["access_token"]
    assert status_with(company, access) == 200
    assert status_with(company, access, "123") == 403
    company.later(HOUR)

    assert status_with(company, access) == 401


def test_a_revoked_grant_ends_everything(company: Company):
    minted = company.erp.tokens()

    headers = {**basic(company), "content-type": "application/json"}
    answer = company.send("POST", "/v2/oauth2/tokens/revoke", {"token": minted["refresh_token"]}, headers)

    assert (answer.status, answer.body) == (200, b"")
    assert status_with(company, minted["access_token"]) == 401
    assert refresh(company, minted["refresh_token"]) == (400, {"error": "invalid_grant"})


def authorize(company: Company, **more: str) -> tuple[int, dict[str, list[str]]]:
    """Where the user's click on Connect leads: status and the query of the way back."""
    asked = {
        "client_id": company.erp.oauth.client_id,
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": "http://localhost:8000/callback?own=1",
        "state": "s",
        "decision": "connect",
        **more,
    }
    answer = company.send("GET", f"/connect/oauth2?{urlencode(asked)}", None, {})
    return answer.status, parse_qs(urlsplit(answer.headers.get("Location", "")).query)


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "somebody"},
        {"response_type": "token"},
        {"scope": "openid"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
def test_the_consent_page_is_not_shown_for_a_wrong_request(company: Company, wrong: dict[str, str]):
    assert authorize(company, **wrong) == (400, {})


def test_a_code_dies_after_five_minutes_or_with_another_redirect(company: Company):
    status, back = authorize(company)
    assert (status, back["own"], back["realmId"]) == (302, ["1"], [REALM])
    form = {"grant_type": "authorization_code", "redirect_uri": "http://localhost:8000/callback?own=1"}

    assert token(company, **{**form, "redirect_uri": "http://evil"}, code=back["code"][0])[0] == 400
    late = authorize(company)[1]["code"][0]
    company.later(300)

    assert token(company, **form, code=late) == (400, {"error": "invalid_grant"})


def test_pkce_is_not_offered(company: Company):
    found = wire.decode(company.send("GET", "/.well-known/openid_configuration", None, {}).body)

    assert [name for name in found if "challenge" in name] == []


def test_the_hard_end_of_a_grant_is_told_when_asked_for_and_kept(company: Company):
    first = company.erp.tokens()["refresh_token"]
    form = urlencode({"grant_type": "refresh_token", "refresh_token": first}).encode()
    headers = {**basic(company), "x-include-refresh-token-hard-expires-in": "true"}

    told = wire.decode(company.send("POST", "/oauth2/v1/tokens/bearer", form, headers).body)
    assert told["x_refresh_token_hard_expires_in"] == 5 * 365 * 24 * HOUR
    assert "x_refresh_token_hard_expires_in" not in refresh(company, first)[1]
    for _ in range(19):
        company.later(95 * 24 * HOUR)
        status, answer = refresh(company, first)
        first = answer["refresh_token"]
    assert (status, answer["x_refresh_token_expires_in"]) == (200, 20 * 24 * HOUR)
    company.later(20 * 24 * HOUR)

    assert refresh(company, first)[0] == 400


def test_strict_single_use_leaves_no_way_back(company: Company):
    company.erp.turn({"rotate_on_every_refresh": True, "refresh_overlap_seconds": 0})
    first = company.erp.tokens()["refresh_token"]
    second = refresh(company, first)[1]["refresh_token"]

    assert refresh(company, first) == (400, {"error": "invalid_grant"})
    assert refresh(company, second)[0] == 200


def test_using_a_refresh_token_twice_may_revoke_the_family(company: Company):
    company.erp.turn({"rotate_on_every_refresh": True, "refresh_overlap_seconds": 10, "refresh_reuse": "revokes"})
    first = company.erp.tokens()["refresh_token"]
    granted = refresh(company, first)[1]

    assert refresh(company, first)[1]["refresh_token"] == granted["refresh_token"]
    company.later(10)
    assert refresh(company, first)[0] == 400

    assert refresh(company, granted["refresh_token"])[0] == 400
    assert status_with(company, granted["access_token"]) == 401


def test_a_user_can_take_the_app_off(company: Company):
    minted = company.erp.tokens()

    company.erp.disconnect()

    assert status_with(company, minted["access_token"]) == 401
    assert refresh(company, minted["refresh_token"]) == (400, {"error": "invalid_grant"})
