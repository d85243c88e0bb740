"""How many calls one company still allows, shared by every process on the same database.

Belongs here: taking and giving back permission to call, on `sync.api_slots`. The limits are each ERP's
(`resources/erps/<erp>/profile.py`); what a refused call means is in its `errors.py`.

A company has one row for each call that its window allows and one for each call that may be in flight. A call takes
one of both, in one statement, and gives them back when its answer is there: the flight slot at once, the window slot a
window later. So no window of that length, wherever it begins and whichever process calls, ever sees more calls than
slots; the database's clock is the only one asked. A process that dies keeps its slots until the longest possible call
is over.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg

from resources.http import CONNECT_SECONDS_MAX, READ_SECONDS_MAX, Sleep
from resources.stores.vault import Transaction

CALL_SECONDS_MAX = 2 * (CONNECT_SECONDS_MAX + READ_SECONDS_MAX)
WAIT_SECONDS_MIN = 0.005
POLL_SECONDS = 0.02
WAIT_SECONDS_MAX = 1.0

# A commit here need not reach the disk: after a crash of the database at most the last second of calls is forgotten.
_HURRIED = "set local synchronous_commit = off"

_TAKE = """
with flight as (
  select slot from sync.api_slots
  where company = %(company)s and lane = 'flight' and slot < %(in_flight)s and free_at <= clock_timestamp()
  order by free_at for update skip locked limit 1
), counted as (
  select slot from sync.api_slots
  where company = %(company)s and lane = 'window' and slot < %(calls)s and free_at <= clock_timestamp()
    and exists (select from flight)
    and not exists (select from sync.api_slots
                    where company = %(company)s and lane = 'pause' and free_at > clock_timestamp())
  order by free_at for update skip locked limit 1
), taken as (
  update sync.api_slots s
  set holder = %(holder)s,
      free_at = clock_timestamp() + make_interval(secs => case s.lane when 'flight' then %(call_seconds)s
                                                          else %(call_seconds)s + %(window_seconds)s end)
  from flight, counted
  where s.company = %(company)s
    and ((s.lane = 'flight' and s.slot = flight.slot) or (s.lane = 'window' and s.slot = counted.slot))
  returning s.lane, s.slot
)
select count(*) from taken
"""

_GIVE_BACK = """
update sync.api_slots
set holder = null,
    free_at = case lane when 'flight' then clock_timestamp()
              else clock_timestamp() + make_interval(secs => %(window_seconds)s) end
where company = %(company)s and lane in ('flight', 'window') and holder = %(holder)s
"""

_WAIT = """
select count(*) filter (where lane = 'flight' and slot < %(in_flight)s),
       count(*) filter (where lane = 'window' and slot < %(calls)s),
       coalesce(bool_or(free_at <= clock_timestamp()) filter (where lane = 'flight' and slot < %(in_flight)s), false),
       extract(epoch from greatest(
         min(free_at) filter (where lane = 'window' and slot < %(calls)s),
         max(free_at) filter (where lane = 'pause')) - clock_timestamp())::float8
from sync.api_slots where company = %(company)s
"""

_MAKE = """
insert into sync.api_slots (company, lane, slot, free_at)
select %(company)s, lane, slot, '-infinity'
from (select 'flight' as lane, generate_series(0, %(in_flight)s - 1) as slot
      union all select 'window', generate_series(0, %(calls)s - 1)) slots
on conflict do nothing
"""

_PAUSE = """
insert into sync.api_slots as s (company, lane, slot, free_at)
values (%(company)s, 'pause', 0, clock_timestamp() + make_interval(secs => %(seconds)s))
on conflict (company, lane, slot) do update set free_at = greatest(s.free_at, excluded.free_at)
"""


class CallQuota:
    """The call limits of one company, as a `CallGate`. May be used from many threads and processes."""

    def __init__(
        self,
        transaction: Transaction,
        company: str,
        *,
        calls_per_window: int,
        window_seconds: float,
        in_flight: int,
        call_seconds_max: float = CALL_SECONDS_MAX,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._transaction = transaction
        self._sleep = sleep
        self._limits = {
            "company": company,
            "calls": calls_per_window,
            "window_seconds": window_seconds,
            "in_flight": in_flight,
            "call_seconds": call_seconds_max,
        }

    @contextmanager
    def call(self) -> Iterator[None]:
        """Wait for permission, hold it during the call, give it back."""
        holder = self._take()
        try:
            yield
        finally:
            self._run(_GIVE_BACK, holder=holder)

    def pause(self, seconds: float) -> None:
        """The ERP said "too many": nobody gets permission for so long. Calls under way go on."""
        self._run(_PAUSE, seconds=seconds)

    def _take(self) -> UUID:
        holder = uuid4()
        while True:
            with self._transaction() as db:
                db.execute(_HURRIED)
                taken = db.execute(_TAKE, {**self._limits, "holder": holder}).fetchone()
                if taken and taken[0]:
                    return holder
                wait_seconds = self._seconds_to_wait(db)
            self._sleep(wait_seconds)

    def _seconds_to_wait(self, db: psycopg.Connection[Any]) -> float:
        row = db.execute(_WAIT, self._limits).fetchone()
        flight_count, window_count, can_fly, seconds = row if row else (0, 0, False, None)
        if flight_count < self._limits["in_flight"] or window_count < self._limits["calls"]:
            db.execute(_MAKE, self._limits)
            return 0.0
        # When a call under way ends is not known, so flight slots are polled; a window slot's time is known.
        return min(WAIT_SECONDS_MAX, max(WAIT_SECONDS_MIN if can_fly else POLL_SECONDS, seconds or 0.0))

    def _run(self, statement: str, **values: object) -> None:
        with self._transaction() as db:
            db.execute(_HURRIED)
            db.execute(statement, {**self._limits, **values})


def company_key(erp: str, app: str, company: str) -> str:
    """Names a company as the ERP counts it: by app and company, whichever tenant or connection calls."""
    return hashlib.sha256("\x00".join((erp, app, company)).encode()).hexdigest()[:32]
