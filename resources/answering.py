"""Taking the answer to a consent: a code becomes tokens, and tokens become a connection's.

Belongs here: in which order what an answer brings is kept. Asking, and who may answer, is `consenting.py`;
disconnecting is `connecting.py`; how one ERP does each step is `resources/erps/<erp>/consent.py`.

The tokens of an answer are sealed and committed, under a name of their own, before anything else is done with them;
they become the connection's once it is sure which company they are of, so that a consent to a wrong company never
replaces the right one's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from resources.apps import SCOPES, app_of
from resources.connecting import enter, test_connection
from resources.consent import BY_CONSENT, GRANT, Company, ConsentSteps
from resources.consenting import TAKING, ConsentRefusedError, found_consent, known_connection, refused, verifier_of
from resources.erps import erp_of
from resources.errors import TieoutError
from resources.oauth import TokenKeeper
from resources.profile import ErpProfile
from resources.services import Services
from resources.stores import audit, connections, consents
from resources.stores.connections import Connection
from resources.stores.consents import Consent
from resources.stores.token_journal import TokenJournal

_CHOOSING = "choosing the company of a consent"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an answer: a connection, or `choices` of which a person takes one by `choose`."""

    connection: str
    return_to: str
    says: str
    choices: Sequence[Company] = ()


def finish(services: Services, *, state: str, told: Mapping[str, str], browser: str, by: str | None) -> Answered:
    """Take what came back: `told` is the query without the state. `by` is who brings it, where they said so.

    Raises ConsentRefusedError, with a sentence for the person, if it is not to be taken or the ERP does not take it.
    """
    tenant, consent = found_consent(services, state, browser, by)
    with services.db.transaction(tenant) as tx:
        if not consents.use(tx, state):
            raise _over(consent)
    with _ended_if_it_fails(services, tenant, consent, state):
        return _answer(services, tenant, consent, state, told)


def choose(services: Services, *, state: str, company_id: str, browser: str, by: str | None) -> Answered:
    """Take one of the companies that an answer offered."""
    tenant, consent = found_consent(services, state, browser, by)
    chosen = next((Company(*one) for one in consent.choices or () if one[0] == company_id), None)
    if chosen is None:
        raise _to_person(refused(consent.connection, _CHOOSING, "none of those offered", "one of them"), consent)
    with services.db.transaction(tenant) as tx:
        if not consents.choose(tx, state):
            raise _over(consent)
    with _ended_if_it_fails(services, tenant, consent, state):
        return _settle(services, tenant, consent, state, chosen)


@contextmanager
def _ended_if_it_fails(services: Services, tenant: str, consent: Consent, state: str) -> Iterator[None]:
    """What fails leaves no tokens behind, and is said to the person who brought the answer."""
    try:
        yield
    except TieoutError as error:
        _erase(services, tenant, state)
        raise _to_person(error, consent) from error


def _answer(services: Services, tenant: str, consent: Consent, state: str, told: Mapping[str, str]) -> Answered:
    profile, name = erp_of(consent.erp), consent.connection
    if "error" in told or not told.get("code"):
        is_declined = told.get("error") == "access_denied"
        found = "that it was declined" if is_declined else "no code in what came back"
        raise refused(name, f"connecting to {profile.title}", found, "a consent", "begin again, and allow it there")
    known = known_connection(services, tenant, consent.erp, name)
    steps = _steps(services, tenant, consent, known)
    tokens = steps.exchange(
        code=told["code"], redirect_uri=consent.redirect_uri, verifier=verifier_of(services, tenant, state)
    )
    _keeper(services, tenant, _holding(state), steps).accept(tokens)
    reached = steps.companies(tokens, told)
    if known is not None:
        wanted = known.settings.get(profile.company_key)
        mine = [one for one in reached if one.company_id == wanted]
        if not mine:
            raise refused(
                name,
                TAKING,
                f"a consent to {_listed(reached)}",
                f"one to {known.company_name or wanted}, which {name} is",
                "begin again and choose that company; connect another one under a name of its own",
            )
        return _settle(services, tenant, consent, state, mine[0])
    free = [one for one in reached if _taken_by(services, tenant, profile, one, steps_of=consent) is None]
    if not free:
        raise refused(
            name,
            TAKING,
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
    known = known_connection(services, tenant, consent.erp, name)
    app = app_of(services, tenant, profile, known)
    assert profile.consent is not None
    steps = profile.consent(app, name)
    settings = {**app.settings, GRANT: BY_CONSENT}
    settings.pop(SCOPES, None)
    if known is None:
        if (whose := _taken_by(services, tenant, profile, company, steps_of=consent)) is not None:
            raise refused(name, TAKING, f"a consent to {company.name}, which {whose}", "a company that is free")
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


def _steps(services: Services, tenant: str, consent: Consent, known: Connection | None) -> ConsentSteps:
    profile = erp_of(consent.erp)
    assert profile.consent is not None
    return profile.consent(app_of(services, tenant, profile, known), consent.connection)


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


def _listed(companies: Sequence[Company]) -> str:
    return ", ".join(one.name or one.company_id for one in companies) or "no company"


def _over(consent: Consent) -> ConsentRefusedError:
    was_used = consent.used_at is not None and not (consent.choices and consent.chosen_at is None)
    return _to_person(
        refused(
            consent.connection,
            TAKING,
            "one that was answered before" if was_used else "one that was begun too long ago",
            f"an answer within {consents.LIFE_MINUTES} minutes, once",
            "begin again",
        ),
        consent,
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
