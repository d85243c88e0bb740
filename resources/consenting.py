"""Connecting a company by OAuth: a person is sent to consent, comes back with a code, and the company is connected.

Belongs here: who may answer which consent, and in which order what is kept. How one ERP does each step is
`resources/erps/<erp>/consent.py`; disconnecting is `connecting.py`; HTTP is the gateway's.

A state is random, kept as its hash, good for ten minutes and for one answer. It is answered by the browser that was
given its counterpart, or by whoever began: or else somebody who was sent a link would connect their company to the
books of whoever made the link. Where the ERP has PKCE, the verifier is made from the state with a key of the tenant's.
The tokens of an answer are sealed and committed, under a name of their own, before anything else is done with them;
they become the connection's once it is sure which company they are of, so that a consent to a wrong company never
replaces the right one's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from resources.connecting import TOKENS, enter, test_connection
from resources.consent import BY_CONSENT, GRANT, App, Company, ConsentSteps
from resources.erps import erp_of
from resources.errors import ErrorKind, TieoutError
from resources.oauth import TokenKeeper
from resources.profile import ErpProfile
from resources.services import Services
from resources.settings import CONNECTION_NAME, TENANT_NAME
from resources.stores import apps, audit, connections, consents
from resources.stores.connections import Connection
from resources.stores.consents import Consent
from resources.stores.token_journal import TokenJournal

STATE_BYTES = 32
STATE_CHARACTERS_MAX = 200
PATH_CHARACTERS_MAX = 500
_LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
# What to ask for in place of the scopes we know of; a word of OAuth, and none of a connection.
SCOPES = "scopes"
_CHOOSING = "choosing the company of a consent"
_TAKING = "taking a consent"


class ConsentRefusedError(TieoutError):
    """A consent that came to nothing. `return_to` is where the person began, empty if nobody knows."""

    return_to: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the person, and what their browser is to show when it comes back."""

    authorize_url: str
    browser: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an answer: a connection, or `choices` of which a person takes one by `choose`."""

    connection: str
    return_to: str
    says: str
    choices: Sequence[Company] = ()


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
        raise _refused(name, "connecting", f"{profile.title}, which has no consent by OAuth", "an ERP that has one")
    if not CONNECTION_NAME.fullmatch(name):
        rule = "1 to 40 characters a-z, 0-9, _ and -, beginning with a letter"
        raise _refused(name, "connecting", f"the name {name[:80]!r}", rule)
    if return_to and not is_local_path(return_to):
        raise _refused(name, "connecting", "a return_to that leads elsewhere", "a path such as /console/connections")
    known = _known(services, tenant, erp, name)
    app = app_of(services, tenant, profile, known)
    state = f"{tenant}.{secrets.token_urlsafe(STATE_BYTES)}"
    browser = secrets.token_urlsafe(STATE_BYTES)
    challenge = _unpadded(hashlib.sha256(_verifier(services, tenant, state).encode()).digest())
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


def finish(services: Services, *, state: str, told: Mapping[str, str], browser: str, by: str | None) -> Answered:
    """Take what came back: `told` is the query without the state. `by` is who brings it, where they said so.

    Raises ConsentRefusedError, with a sentence for the person, if it is not to be taken or the ERP does not take it.
    """
    tenant, consent = _found(services, state, browser, by)
    with services.db.transaction(tenant) as tx:
        if not consents.use(tx, state):
            raise _over(consent)
    try:
        return _answer(services, tenant, consent, state, told)
    except TieoutError as error:
        _erase(services, tenant, state)
        raise _to_person(error, consent) from error


def choose(services: Services, *, state: str, company_id: str, browser: str, by: str | None) -> Answered:
    """Take one of the companies that an answer offered."""
    tenant, consent = _found(services, state, browser, by)
    chosen = next((Company(*one) for one in consent.choices or () if one[0] == company_id), None)
    if chosen is None:
        raise _to_person(_refused(consent.connection, _CHOOSING, "none of those offered", "one of them"), consent)
    with services.db.transaction(tenant) as tx:
        if not consents.choose(tx, state):
            raise _over(consent)
    try:
        return _settle(services, tenant, consent, state, chosen)
    except TieoutError as error:
        _erase(services, tenant, state)
        raise _to_person(error, consent) from error


def set_app(
    services: Services, *, tenant: str, erp: str, base_url: str | None, values: Mapping[str, str], by: str
) -> None:
    """Keep the app by which a tenant connects companies of an ERP; it is what each of them is entered with.

    Takes those of a connection's values that are the app's. Raises TieoutError naming what is missing or not known.
    """
    profile = erp_of(erp)
    known = {key.name: key for key in profile.setting_keys if key.name not in (profile.company_key, *TOKENS)}
    doing = f"setting the app of {profile.title}"
    for name in values:
        if name not in known and name != SCOPES:
            raise TieoutError(
                ErrorKind.VALIDATION, doing=doing, found=f"a value {name!r}", expected=f"one of {', '.join(known)}"
            )
    for name in (profile.app_key, "client_secret"):
        if not values.get(name):
            raise TieoutError(
                ErrorKind.VALIDATION, doing=doing, found=f"no value for {name}", expected=known[name].description
            )
    public = {name: value for name, value in values.items() if name == SCOPES or not known[name].is_secret}
    with services.db.transaction(tenant) as tx:
        apps.put(
            tx,
            services.vault(tenant),
            tenant=tenant,
            erp=erp,
            base_url=base_url,
            settings=public,
            secrets={name: value for name, value in values.items() if name not in public},
            by=by,
        )


def app_of(services: Services, tenant: str, profile: ErpProfile, known: Connection | None) -> App:
    """The app by which to connect: the one that was set (`tieout apps set`), if it is of the place where the connection
    is; else the one that the connection was entered with, else that of another connection of the tenant.
    """
    vault = services.vault(tenant)
    with services.db.transaction(tenant) as tx:
        found = apps.get(tx, vault, profile.name)
    if found is not None and (known is None or known.base_url == found.base_url):
        return found
    others = [c for c in services.connections() if c.tenant == tenant and c.erp == profile.name]
    for one in [known] if known is not None else others:
        secrets_of_it = vault.all(one.name)
        if one.settings.get(profile.app_key) and secrets_of_it.get("client_secret"):
            app_wide = {key: value for key, value in one.settings.items() if key not in (profile.company_key, GRANT)}
            return App(profile.name, one.base_url, app_wide, {"client_secret": secrets_of_it["client_secret"]})
    raise TieoutError(
        ErrorKind.VALIDATION,
        doing=f"connecting to {profile.title}",
        found="no app of yours, and no connection that has one",
        expected=f"the app that is registered with {profile.title}",
        next_step=f"tieout apps set {profile.name} --set {profile.app_key}=... --set client_secret=...",
    )


def _answer(services: Services, tenant: str, consent: Consent, state: str, told: Mapping[str, str]) -> Answered:
    profile, name = erp_of(consent.erp), consent.connection
    if "error" in told or not told.get("code"):
        is_declined = told.get("error") == "access_denied"
        found = "that it was declined" if is_declined else "no code in what came back"
        raise _refused(name, f"connecting to {profile.title}", found, "a consent", "begin again, and allow it there")
    known = _known(services, tenant, consent.erp, name)
    steps = _steps(services, tenant, consent, known)
    tokens = steps.exchange(
        code=told["code"], redirect_uri=consent.redirect_uri, verifier=_verifier(services, tenant, state)
    )
    _keeper(services, tenant, _holding(state), steps).accept(tokens)
    reached = steps.companies(tokens, told)
    if known is not None:
        wanted = known.settings.get(profile.company_key)
        mine = [one for one in reached if one.company_id == wanted]
        if not mine:
            raise _refused(
                name,
                _TAKING,
                f"a consent to {_listed(reached)}",
                f"one to {known.company_name or wanted}, which {name} is",
                "begin again and choose that company; connect another one under a name of its own",
            )
        return _settle(services, tenant, consent, state, mine[0])
    free = [one for one in reached if _taken_by(services, tenant, profile, one, steps_of=consent) is None]
    if not free:
        raise _refused(
            name,
            _TAKING,
            f"a consent to {_listed(reached)}",
            "a company that is not connected yet",
            "begin again and choose another; a company that is connected is connected again under its own name",
        )
    if len(free) > 1:
        with services.db.transaction(tenant) as tx:
            consents.offer(tx, state, free)
        return Answered(name, consent.return_to, "choose the company", free)
    return _settle(services, tenant, consent, state, free[0])


def _settle(services: Services, tenant: str, consent: Consent, state: str, company: Company) -> Answered:
    """Make the tokens the connection's. It is not worked with before it has them."""
    profile, name = erp_of(consent.erp), consent.connection
    known = _known(services, tenant, consent.erp, name)
    app = app_of(services, tenant, profile, known)
    assert profile.consent is not None
    steps = profile.consent(app, name)
    settings = {**app.settings, GRANT: BY_CONSENT}
    settings.pop(SCOPES, None)
    if known is None:
        if (whose := _taken_by(services, tenant, profile, company, steps_of=consent)) is not None:
            raise _refused(name, _TAKING, f"a consent to {company.name}, which {whose}", "a company that is free")
        settings[profile.company_key] = company.company_id
        with services.db.transaction(tenant) as tx:
            enter(services, tx, profile, name=name, tenant=tenant, base_url=app.base_url, settings=settings)
            connections.set_state(tx, name, "reconnect")
    else:
        settings = {**known.settings, **settings}
        with services.db.transaction(tenant) as tx:
            connections.change_settings(tx, name, settings)
    vault = services.vault(tenant)
    for key, value in app.secrets.items():
        if vault.get(name, key) != value:
            vault.put(name, key, value)
    _keeper(services, tenant, _holding(state), steps).hand_over(_keeper(services, tenant, name, steps))
    vault.delete(_holding(state))
    with services.db.transaction(tenant) as tx:
        connections.activate(tx, name)
        audit.append(
            tx,
            tenant=tenant,
            actor=consent.begun_by,
            action="connection.connect",
            connection=name,
            detail={"erp": profile.name, profile.company_key: company.company_id, "is_again": known is not None},
        )
    return Answered(name, consent.return_to, _greeting(services, name, again=" again" if known is not None else ""))


def _greeting(services: Services, name: str, again: str) -> str:
    """Who it is; asked once, for it is connected, whatever this call meets."""
    try:
        report = test_connection(services, name)
    except TieoutError as error:
        return f"{name} is connected{again}, but did not say who it is yet: {error}"
    return f"{name} is connected{again}: {report.company_name} ({report.home_currency})."


def _found(services: Services, state: str, browser: str, by: str | None) -> tuple[str, Consent]:
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
            doing=_TAKING,
            found="a browser in which it was not begun",
            expected="the one that was sent to the consent",
            next_step="begin again, and stay in one browser",
        )
    return tenant, consent


def _steps(services: Services, tenant: str, consent: Consent, known: Connection | None) -> ConsentSteps:
    profile = erp_of(consent.erp)
    assert profile.consent is not None
    return profile.consent(app_of(services, tenant, profile, known), consent.connection)


def _known(services: Services, tenant: str, erp: str, name: str) -> Connection | None:
    """The connection of that name, None if there is none. One that is not the tenant's, or of another ERP, is taken."""
    found = next((one for one in services.connections() if one.name == name), None)
    if found is not None and (found.tenant != tenant or found.erp != erp):
        raise _refused(
            name, "connecting", "a connection of that name", "a new name, or one of this ERP", "choose another"
        )
    return found


def _taken_by(
    services: Services, tenant: str, profile: ErpProfile, company: Company, *, steps_of: Consent
) -> str | None:
    """Who has a company already, for a sentence: other tenants are not named."""
    app = app_of(services, tenant, profile, None)
    for one in services.connections():
        if (
            one.erp == profile.name
            and one.base_url == app.base_url
            and one.settings.get(profile.company_key) == company.company_id
            and one.name != steps_of.connection
        ):
            return f"is {one.name}" if one.tenant == tenant else "somebody else has connected"
    return None


def _keeper(services: Services, tenant: str, name: str, steps: ConsentSteps) -> TokenKeeper:
    return TokenKeeper(
        tenant=tenant,
        connection=name,
        endpoint=steps.endpoint(),
        journal=TokenJournal(services.transactions_of(tenant), tenant, name),
        keeper=services.keeper,
        spool=services.spool,
    )


def _holding(state: str) -> str:
    """Under what the tokens of an answer are until it is sure whose they are: no connection can be called so."""
    return f"~{consents.hashed(state).hex()[:32]}"


def _erase(services: Services, tenant: str, state: str) -> None:
    services.vault(tenant).delete(_holding(state))


def _verifier(services: Services, tenant: str, state: str) -> str:
    return _unpadded(hmac.digest(services.signing_key(tenant, "consents"), state.encode(), hashlib.sha256))


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _listed(companies: Sequence[Company]) -> str:
    return ", ".join(one.name or one.company_id for one in companies) or "no company"


def _over(consent: Consent) -> ConsentRefusedError:
    was_used = consent.used_at is not None and not (consent.choices and consent.chosen_at is None)
    return _to_person(
        _refused(
            consent.connection,
            _TAKING,
            "one that was answered before" if was_used else "one that was begun too long ago",
            f"an answer within {consents.LIFE_MINUTES} minutes, once",
            "begin again",
        ),
        consent,
    )


def _unknown() -> ConsentRefusedError:
    return ConsentRefusedError(
        ErrorKind.VALIDATION,
        doing=_TAKING,
        found="one that nobody here has begun",
        expected="what an ERP sends back to whoever began",
        next_step="begin again",
    )


def _to_person(error: TieoutError, consent: Consent) -> ConsentRefusedError:
    """The same error, with where the person began."""
    if isinstance(error, ConsentRefusedError):
        told = error
    else:
        told = ConsentRefusedError(
            error.kind,
            doing=error.doing,
            found=error.found,
            expected=error.expected,
            next_step=error.next_step,
            connection=error.connection,
            retry_after_seconds=error.retry_after_seconds,
        )
    told.return_to = consent.return_to
    return told


def _refused(name: str, doing: str, found: str, expected: str, next_step: str | None = None) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION, connection=name, doing=doing, found=found, expected=expected, next_step=next_step
    )
