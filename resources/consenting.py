"""Asking for a consent: a person is sent to the ERP, and who may bring the answer back.

Belongs here: beginning a consent and recognising whose answer comes. What becomes of an answer is `answering.py`; by
which app is asked, `apps.py`; how one ERP does each step, `resources/erps/<erp>/consent.py`; HTTP is the gateway's.

A state is random, kept as its hash, good for ten minutes and for one answer. It is answered by the browser that was
given its counterpart, or by whoever began: or else somebody who was sent a link would connect their company to the
books of whoever made the link. Where the ERP has PKCE, the verifier is made from the state with a key of the tenant's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from resources.apps import app_of
from resources.erps import erp_of
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.settings import CONNECTION_NAME, TENANT_NAME
from resources.stores import consents
from resources.stores.connections import Connection
from resources.stores.consents import Consent

STATE_BYTES = 32
STATE_CHARACTERS_MAX = 200
PATH_CHARACTERS_MAX = 500
TAKING = "taking a consent"
_LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


class ConsentRefusedError(TieoutError):
    """A consent that came to nothing. `return_to` is where the person began, empty if nobody knows."""

    return_to: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the person, and what their browser is to show when it comes back."""

    authorize_url: str
    browser: str


def is_local_path(text: str) -> bool:
    """Whether a browser sent there stays with us."""
    return len(text) <= PATH_CHARACTERS_MAX and _LOCAL_PATH.fullmatch(text) is not None


def begin(
    services: Services, *, tenant: str, erp: str, name: str, by: str, redirect_uri: str, return_to: str = ""
) -> Begun:
    """Begin to connect a company under a name, or the company of a connection again.

    `redirect_uri` is where the ERP sends the person back, as the app has it registered; `return_to` a path of ours.
    """
    profile = erp_of(erp)
    if profile.consent is None:
        raise refused(name, "connecting", f"{profile.title}, which has no consent by OAuth", "an ERP that has one")
    if not CONNECTION_NAME.fullmatch(name):
        rule = "1 to 40 characters a-z, 0-9, _ and -, beginning with a letter"
        raise refused(name, "connecting", f"the name {name[:80]!r}", rule)
    if return_to and not is_local_path(return_to):
        raise refused(name, "connecting", "a return_to that leads elsewhere", "a path such as /console/connections")
    known = known_connection(services, tenant, erp, name)
    app = app_of(services, tenant, profile, known)
    state = f"{tenant}.{secrets.token_urlsafe(STATE_BYTES)}"
    browser = secrets.token_urlsafe(STATE_BYTES)
    challenge = _unpadded(hashlib.sha256(verifier_of(services, tenant, state).encode()).digest())
    url = profile.consent(app, name).authorize_url(redirect_uri=redirect_uri, state=state, challenge=challenge)
    with services.db.transaction(tenant) as tx:
        consents.begin(
            tx,
            tenant=tenant,
            state=state,
            erp=erp,
            connection=name,
            begun_by=by,
            browser=browser,
            redirect_uri=redirect_uri,
            return_to=return_to,
        )
    return Begun(url, browser)


def found_consent(services: Services, state: str, browser: str, by: str | None) -> tuple[str, Consent]:
    """The consent of a state, if whoever brings it is who began: nobody else can use it up."""
    tenant = state.partition(".")[0]
    if not TENANT_NAME.fullmatch(tenant) or len(state) > STATE_CHARACTERS_MAX:
        raise _unknown()
    with services.db.transaction(tenant) as tx:
        consent = consents.find(tx, state)
    if consent is None:
        raise _unknown()
    is_browser = hmac.compare_digest(consents.hashed(browser), consent.browser_hash)
    if not is_browser and by != f"{tenant}|{consent.begun_by}":
        raise ConsentRefusedError(
            ErrorKind.AUTHORIZATION,
            doing=TAKING,
            found="a browser in which it was not begun",
            expected="the one that was sent to the consent",
            next_step="begin again, and stay in one browser",
        )
    return tenant, consent


def known_connection(services: Services, tenant: str, erp: str, name: str) -> Connection | None:
    """The connection of that name, None if there is none. One that is not the tenant's, or of another ERP, is taken."""
    found = next((one for one in services.connections() if one.name == name), None)
    if found is not None and (found.tenant != tenant or found.erp != erp):
        raise refused(
            name, "connecting", "a connection of that name", "a new name, or one of this ERP", "choose another"
        )
    return found


def verifier_of(services: Services, tenant: str, state: str) -> str:
    """What the code of this state is bound to, where the ERP has PKCE."""
    return _unpadded(hmac.digest(services.signing_key(tenant, "consents"), state.encode(), hashlib.sha256))


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unknown() -> ConsentRefusedError:
    return ConsentRefusedError(
        ErrorKind.VALIDATION,
        doing=TAKING,
        found="one that nobody here has begun",
        expected="what an ERP sends back to whoever began",
        next_step="begin again",
    )


def refused(name: str, doing: str, found: str, expected: str, next_step: str | None = None) -> TieoutError:
    """An error for whoever connects a company under this name."""
    return TieoutError(
        ErrorKind.VALIDATION, connection=name, doing=doing, found=found, expected=expected, next_step=next_step
    )
