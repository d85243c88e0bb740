"""Refresh tokens that rotate: none is lost, whoever dies where, and none is asked for twice without need."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from itertools import product
from uuid import uuid4

import psycopg
import pytest

from resources.errors import ErrorKind, TieoutError
from resources.oauth import ReconnectNeededError, TokenSet
from tests.resources.loopback import Reply, serving
from tests.resources.secret_tables import emptied, prepare, transactions
from tests.resources.token_service import TokenService, build_keeper, refresh_once, renew_often

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.resources.token_service"])
CONSENT = TokenSet("", "CANARY-refresh-0", 0.0)


@pytest.fixture
def service() -> Iterator[TokenService]:
    service = TokenService()
    with serving(lambda request: service.answer(request)) as url:
        service.url = url
        yield service


@pytest.fixture(scope="module")
def tables(new_database):
    return new_database(prepare)


@pytest.fixture
def database(tables):
    return emptied(tables)


@pytest.fixture
def transaction(database):
    with transactions(database.url()) as opened:
        yield opened


@pytest.fixture
def keeper(transaction, service, tmp_path):
    keeper = build_keeper(transaction, service.url, tmp_path, sleep=lambda seconds: time.sleep(min(seconds, 0.02)))
    keeper.accept(CONSENT)
    return keeper


def another(transaction, service, tmp_path):
    return build_keeper(transaction, service.url, tmp_path, sleep=lambda seconds: time.sleep(min(seconds, 0.02)))


def run(function, *arguments):
    """Start a process; returns it and the end where its answer arrives."""
    receiver, sender = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=function, args=(*arguments, sender), daemon=True)
    process.start()
    sender.close()
    return process, receiver


def answer_of(process, receiver):
    """What the process reported; None if it died first."""
    process.join(20)
    try:
        return receiver.recv() if receiver.poll(0) else None
    except EOFError:
        return None


def test_the_first_token_is_refreshed_and_then_kept(keeper, service):
    assert keeper.access_token() == keeper.access_token() == "CANARY-access-1"
    assert service.refreshed == ["CANARY-refresh-0"]


def test_another_process_uses_the_token_that_is_there(keeper, service, transaction, tmp_path):
    keeper.access_token()

    assert another(transaction, service, tmp_path).access_token() == "CANARY-access-1"
    assert len(service.refreshed) == 1


def test_a_rejected_token_is_renewed_once_by_whoever_comes_first(keeper, service, transaction, tmp_path):
    other = another(transaction, service, tmp_path)
    first = keeper.access_token()
    assert other.access_token() == first

    assert keeper.renew(first) == other.renew(first) == "CANARY-access-2"
    assert len(service.refreshed) == 2


def test_a_token_is_renewed_in_the_second_half_of_its_life(keeper, service, transaction, database, tmp_path):
    keeper.access_token()
    with database.connect("superuser") as db:
        db.execute("update sync.token_journal set received_at = received_at - interval '40 minutes',"
                   " access_expires_at = access_expires_at - interval '40 minutes'")  # fmt: skip

    assert another(transaction, service, tmp_path).access_token() == "CANARY-access-2"


def test_a_failing_early_renewal_leaves_the_token_in_use(keeper, service, transaction, database, tmp_path):
    keeper.access_token()
    with database.connect("superuser") as db:
        db.execute("update sync.token_journal set received_at = received_at - interval '40 minutes',"
                   " access_expires_at = access_expires_at - interval '40 minutes'")  # fmt: skip
    service.answer = lambda request: Reply(b"<html>down</html>", 503)

    assert another(transaction, service, tmp_path).access_token() == "CANARY-access-1"


def test_a_lost_answer_is_asked_for_again_at_once(keeper, service, transaction, database, tmp_path):
    """Whoever put it off might never come back while the token that was sent still works."""
    keeper.access_token()
    with database.connect("superuser") as db:
        db.execute("update sync.token_journal set received_at = received_at - interval '30 minutes',"
                   " access_expires_at = access_expires_at - interval '30 minutes'")  # fmt: skip
    called = []

    def answer(request):
        if "openid" in request.path:
            return TokenService.answer(service, request)
        called.append(request)
        return Reply(b"<html>down</html>", 503)

    service.answer = answer
    for _ in range(12):
        called.clear()
        another(transaction, service, tmp_path).access_token()

        assert len(called) in (0, 5)


def test_the_new_refresh_token_is_committed_before_its_access_token_is_used(keeper, service, database, transaction):
    token = keeper.access_token()

    with database.connect("superuser") as db:
        journaled = db.execute("select source, outcome from sync.token_journal join sync.token_attempts"
                               " using (tenant_id, connection, attempt_id)").fetchall()  # fmt: skip
    assert token
    assert journaled == [("refresh", "journaled")]


def test_nothing_in_the_database_or_the_spool_can_be_read(keeper, database, tmp_path):
    keeper.access_token()

    with database.connect("superuser") as db:
        for table in ("token_journal", "token_attempts"):
            rows = db.execute(f"select t::text from sync.{table} t").fetchall()
            assert rows
            assert "CANARY" not in str(rows)
        assert "CANARY" not in str(db.execute("select encode(sealed, 'escape') from sync.token_journal").fetchall())


def test_a_refused_token_is_never_sent_again_and_the_one_before_it_once(keeper, service):
    first = keeper.access_token()
    second = keeper.renew(first)
    service.live.clear()

    for _ in range(3):
        with pytest.raises(ReconnectNeededError) as failure:
            keeper.renew(second)

    assert service.refused == ["CANARY-refresh-2", "CANARY-refresh-1"]
    assert failure.value.kind is ErrorKind.AUTHENTICATION
    assert keeper.needs_reconnect()


def test_the_token_before_a_refused_one_saves_the_connection(keeper, service):
    first = keeper.access_token()
    second = keeper.renew(first)
    service.live = {"CANARY-refresh-1"}

    assert keeper.renew(second) == "CANARY-access-3"
    assert not keeper.needs_reconnect()


def test_a_consent_given_while_the_tokens_before_it_are_refused_is_used(keeper, service, transaction, tmp_path):
    token = keeper.renew(keeper.access_token())
    service.live = {"CANARY-consent-2"}

    def connect_again():
        if len(service.refused) == 2:
            another(transaction, service, tmp_path).accept(TokenSet("", "CANARY-consent-2", 0.0))

    service.before_answer = connect_again

    assert keeper.renew(token) in service.access
    assert service.refused == ["CANARY-refresh-2", "CANARY-refresh-1"]
    assert not keeper.needs_reconnect()


def test_a_consent_given_in_between_that_is_refused_as_well_is_tried_once(keeper, service, transaction, tmp_path):
    token = keeper.renew(keeper.access_token())
    service.live.clear()

    def connect_again():
        if len(service.refused) == 2:
            another(transaction, service, tmp_path).accept(TokenSet("", "CANARY-consent-2", 0.0))

    service.before_answer = connect_again

    with pytest.raises(ReconnectNeededError):
        keeper.renew(token)
    assert service.refused == ["CANARY-refresh-2", "CANARY-refresh-1", "CANARY-consent-2"]
    assert keeper.needs_reconnect()


def test_giving_up_refuses_what_was_seen_and_no_consent_that_came_since(keeper, transaction, service, tmp_path):
    journal = keeper._journal
    seen = [kept.attempt_id for kept in journal.standing().usable]
    another(transaction, service, tmp_path).accept(TokenSet("", "CANARY-consent-2", 0.0))

    journal.refuse_all(seen)

    assert len(journal.standing().usable) == 1
    journal.refuse_all([kept.attempt_id for kept in journal.standing().usable])
    assert keeper.needs_reconnect()


def test_a_refresh_token_that_keeps_its_value_is_refused_only_once(keeper, service):
    service.manners = "same value"
    token = keeper.access_token()
    for _ in range(4):
        token = keeper.renew(token)
    service.live.clear()

    with pytest.raises(ReconnectNeededError):
        keeper.renew(token)
    assert service.refused == ["CANARY-refresh-0"]


def test_an_answer_that_comes_after_a_take_over_is_kept_as_the_second_choice(keeper, transaction, service):
    journal, (consent,) = keeper._journal, keeper._journal.standing().usable
    slow, fast = uuid4(), uuid4()
    assert journal.begin(slow, consent.attempt_id, "old", 0.0)
    assert journal.begin(fast, consent.attempt_id, "old", 20.0)
    assert not journal.begin(uuid4(), consent.attempt_id, "old", 20.0)

    for attempt_id in (fast, slow):
        sealed = keeper._keeper.seal(
            json.dumps({"access_token": "", "refresh_token": str(attempt_id)}).encode(), keeper._owner(attempt_id)
        )
        journal.keep(
            attempt_id, sealed, fingerprint=str(attempt_id), source="refresh", access_seconds=3600, refresh_seconds=None
        )

    assert [kept.attempt_id for kept in journal.standing().usable] == [fast, slow, consent.attempt_id]


def test_a_new_consent_ends_the_need_to_reconnect(keeper, service):
    service.live.clear()
    with pytest.raises(ReconnectNeededError):
        keeper.access_token()
    service.live.add("CANARY-consent-2")

    keeper.accept(TokenSet("", "CANARY-consent-2", 0.0))

    assert keeper.access_token() in service.access


def test_the_tokens_of_a_new_connection_do_not_replace_those_in_use(keeper, service, transaction, tmp_path):
    service.manners = "family"
    token = keeper.access_token()

    other = another(transaction, service, tmp_path)
    other.seed(CONSENT)

    assert other.access_token() == token
    assert other.renew(token) in service.access


def test_the_last_three_refresh_tokens_are_kept(keeper, database):
    token = keeper.access_token()
    for _ in range(6):
        token = keeper.renew(token)

    with database.connect("superuser") as db:
        assert db.execute("select count(*) from sync.token_journal").fetchone() == (3,)


def test_the_end_of_the_grant_is_known(keeper):
    keeper.access_token()

    assert keeper.granted_until().timestamp() == pytest.approx(time.time() + 8_726_400, abs=60)


@pytest.mark.parametrize(
    ("reply", "kind", "calls"),
    [
        (Reply(b'{"error":"invalid_client"}', 401), ErrorKind.AUTHENTICATION, 1),
        (Reply(b"<html>down</html>", 503), ErrorKind.SYSTEM, 5),
        (Reply(b'{"access_to'), ErrorKind.SYSTEM, 5),
        (Reply(b"{}"), ErrorKind.SYSTEM, 5),
    ],
)
def test_a_failing_endpoint_has_its_class_and_leaks_nothing(keeper, service, reply, kind, calls):
    answered = []

    def answer(request):
        if "openid" in request.path:
            return TokenService.answer(service, request)
        answered.append(request)
        return reply

    service.answer = answer
    with pytest.raises(TieoutError) as failure:
        keeper.access_token()

    assert (failure.value.kind, len(answered)) == (kind, calls)
    assert "CANARY" not in str(failure.value.as_row())


def test_an_answer_that_the_database_does_not_take_is_spooled_used_and_journaled_later(
    keeper, service, database, transaction, tmp_path
):
    def rename(old: str, new: str) -> None:
        with psycopg.connect(database.url("superuser"), autocommit=True) as db:
            db.execute(f"alter table sync.{old} rename to {new}")

    service.before_answer = lambda: rename("token_journal", "away")
    assert keeper.access_token() == "CANARY-access-1"
    (spooled,) = tmp_path.glob("*.tokens")
    assert "CANARY" not in spooled.read_text()
    assert oct(spooled.stat().st_mode & 0o777) == "0o600"

    service.before_answer = None
    rename("away", "token_journal")
    service.live = {"CANARY-refresh-1"}
    other = another(transaction, service, tmp_path)

    assert other.access_token() == "CANARY-access-1"
    assert other.renew("CANARY-access-1") == "CANARY-access-2"
    assert not list(tmp_path.iterdir())


def test_four_processes_that_refresh_at_once_lose_nothing(keeper, service, database, tmp_path):
    service.manners = "family"

    workers = [run(renew_often, database.url(), service.url, str(tmp_path), 5) for _ in range(4)]
    given = [json.loads(answer_of(*worker)) for worker in workers]

    assert all(token in service.access for tokens in given for token in tokens)
    assert service.refused == []
    assert len(service.refreshed) < 4 * 6
    assert keeper.renew(given[0][-1])


def test_a_process_killed_while_the_server_answers_loses_nothing(keeper, service, database, tmp_path):
    service.may_answer.clear()
    process, _ = run(refresh_once, database.url(), service.url, str(tmp_path), "never")
    assert service.has_rotated.wait(10)
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    service.may_answer.set()

    assert keeper.access_token() in service.access
    assert service.refused == []


@pytest.mark.parametrize(
    ("manners", "deadly", "others"),
    product(
        ("overlap", "same value", "strict", "family"),
        ("before call", "after rotated", "after spool", "after journal", "after use"),
        (1, 2),
    ),
)
def test_whoever_dies_where_the_connection_lives(keeper, service, database, tmp_path, manners, deadly, others):
    service.manners = manners

    dying, _ = run(refresh_once, database.url(), service.url, str(tmp_path), deadly)
    if others == 1:
        dying.join(20)
    workers = [run(refresh_once, database.url(), service.url, str(tmp_path), "never") for _ in range(others)]
    ends = [answer_of(*worker) for worker in workers]
    dying.join(20)

    for end in ends:
        assert end is not None
        if end[0] == "token":
            assert end[1] in service.access
        else:
            # Without grace, the token that only the dead process knew is gone: a person is told to connect again.
            assert end[0] == "reconnect"
            assert (manners, deadly) in {("strict", "after rotated"), ("family", "after rotated")}
