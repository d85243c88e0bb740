"""How many calls one company still allows, shared by every process on the same database.

Belongs here: taking and giving back permission to call, on `sync.api_slots`. The limits are each ERP's
(`resources/erps/<erp>/profile.py`); what a refused call means is in its `errors.py`.

A company has one row for each call that each of its windows (a minute, a day) allows and one for each call that may be
in flight. A call takes one of each, in one statement, and gives them back when its answer is there: the flight slot at
once, a window's slot that window later. So no window of that length, wherever it begins and whichever process calls,
ever sees more calls than slots; the database's clock is the only one asked. A process that dies keeps its slots until
the longest possible call is over.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import psycopg

from resources.errors import ErrorKind, TieoutError
from resources.http import CONNECT_SECONDS_MAX, PAUSE_SECONDS_MAX, READ_SECONDS_MAX, Sleep
from resources.stores.vault import Transaction

CALL_SECONDS_MAX = 2 * (CONNECT_SECONDS_MAX + READ_SECONDS_MAX)
WAIT_SECONDS_MIN = 0.005
POLL_SECONDS = 0.02
WAIT_SECONDS_MAX = 1.0

# A commit here need not reach the disk: after a crash of the database at most the last second of calls is forgotten.
# The next free slot is read in order, never sorted out of all: what the planner knows of a company is old whenever the
# company is new.
_HURRIED = "set local synchronous_commit = off; set local enable_sort = off"

# One statement takes a flight slot and one of each window, or none of them. The last is only looked for where all
# before it are free. What is taken is found by the whole key: an app has ten thousand slots, and a call must not read
# them. So the company comes with what is chosen: named as a value, it alone could be what they are searched by.
_TAKE = """
with flight as (
  select company, slot from sync.api_slots
  where company = %(company)s and lane = 'flight' and slot < %(in_flight)s and free_at <= clock_timestamp()
  order by free_at for update skip locked limit 1
), {counted}
chosen (company, lane, slot, seconds) as (
  {chosen}
), taken as (
  update sync.api_slots s
  set holder = %(holder)s, free_at = clock_timestamp() + make_interval(secs => %(call_seconds)s + chosen.seconds)
  from chosen
  where (s.company, s.lane, s.slot) = (chosen.company, chosen.lane, chosen.slot) and exists (select from of_{last})
  returning s.slot
)
select count(*) from taken
"""

_COUNTED = """
of_{name} as (
  select company, slot from sync.api_slots
  where company = %(company)s and lane = '{name}' and slot < %({name}_calls)s and free_at <= clock_timestamp()
    and exists (select from {before})
    and not exists (select from sync.api_slots
                    where company = %(company)s and lane = 'pause' and free_at > clock_timestamp())
  order by free_at for update skip locked limit 1
),"""

_GIVE_BACK = """
update sync.api_slots
set holder = null, free_at = clock_timestamp() + make_interval(secs => {seconds})
where holder = %(holder)s
"""

# By lane: how many slots it has, whether one is free, and how long until the first of them is.
_WAIT = """
select lane, count(*), bool_or(free_at <= clock_timestamp()),
       extract(epoch from min(free_at) - clock_timestamp())::float8
from sync.api_slots where company = %(company)s and (lane = 'pause' or slot < case lane {sizes} end)
group by lane
"""

_MAKE = """
insert into sync.api_slots (company, lane, slot, free_at)
select %(company)s, lane, slot, '-infinity'
from (select 'flight' as lane, generate_series(0, %(in_flight)s - 1) as slot {windows}) slots
on conflict do nothing
"""

_USED = """
select count(*) from sync.api_slots
where company = %(company)s and lane = %(lane)s and free_at > clock_timestamp()
"""

_PAUSE = """
insert into sync.api_slots as s (company, lane, slot, free_at)
values (%(company)s, 'pause', 0, clock_timestamp() + make_interval(secs => %(seconds)s))
on conflict (company, lane, slot) do update set free_at = greatest(s.free_at, excluded.free_at)
"""

_PAUSED = """
select coalesce(greatest(extract(epoch from max(free_at) - clock_timestamp())::float8, 0), 0)
from sync.api_slots where company = %(company)s and lane = 'pause'
"""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` in any span of so many seconds. `name` is a word of its own: "window", "day"."""

    name: str
    calls: int
    seconds: float


class CallQuota:
    """The call limits of one company, as a `CallGate`. May be used from many threads and processes.

    Every window must allow a call. One that opens only later than anybody would sit out is an error (rate_limit) that
    says when: whoever planned the work comes back then.
    """

    def __init__(
        self,
        transaction: Transaction,
        company: str,
        *,
        calls_per_window: int,
        window_seconds: float,
        in_flight: int,
        further: Sequence[Window] = (),
        call_seconds_max: float = CALL_SECONDS_MAX,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._transaction = transaction
        self._sleep = sleep
        self._windows = (Window("window", calls_per_window, window_seconds), *further)
        self._limits = {
            "company": company,
            "in_flight": in_flight,
            "call_seconds": call_seconds_max,
            **{f"{window.name}_calls": window.calls for window in self._windows},
            **{f"{window.name}_seconds": window.seconds for window in self._windows},
        }
        self._statements = _built(tuple(window.name for window in self._windows))

    @contextmanager
    def call(self) -> Iterator[None]:
        """Wait for permission, hold it during the call, give it back."""
        holder = self._take()
        try:
            yield
        finally:
            self._run(self._statements["give_back"], holder=holder)

    def pause(self, seconds: float) -> None:
        """The ERP said "too many": nobody gets permission for so long. Calls under way go on."""
        self._run(_PAUSE, seconds=seconds)

    def paused_seconds(self) -> float:
        """How long the pause still lasts, whichever process was told of it."""
        with self._transaction() as db:
            row = db.execute(_PAUSED, self._limits).fetchone()
        return row[0] if row else 0.0

    def used(self, name: str) -> int:
        """How many calls of a window are used up, over all processes of this database."""
        with self._transaction() as db:
            row = db.execute(_USED, {**self._limits, "lane": name}).fetchone()
        return row[0] if row else 0

    def _take(self) -> UUID:
        holder = uuid4()
        while True:
            with self._transaction() as db:
                db.execute(_HURRIED)
                taken = db.execute(self._statements["take"], {**self._limits, "holder": holder}).fetchone()
                if taken and taken[0]:
                    return holder
                wait_seconds = self._seconds_to_wait(db)
            self._sleep(wait_seconds)

    def _seconds_to_wait(self, db: psycopg.Connection[Any]) -> float:
        rows = db.execute(self._statements["wait"], self._limits).fetchall()
        lanes = {lane: (count, is_free, seconds) for lane, count, is_free, seconds in rows}
        sizes = {"flight": self._limits["in_flight"], **{window.name: window.calls for window in self._windows}}
        if any(lanes.get(lane, (0,))[0] < size for lane, size in sizes.items()):
            db.execute(self._statements["make"], self._limits)
            return 0.0
        seconds = max((lanes[lane][2] for lane in lanes if lane != "flight"), default=0.0)
        if seconds > PAUSE_SECONDS_MAX:
            raise TieoutError(
                ErrorKind.RATE_LIMIT,
                doing="waiting for a call to be allowed",
                found=f"that the next one is in {seconds:.0f} s",
                expected=f"one within {PAUSE_SECONDS_MAX:.0f} s",
                retry_after_seconds=seconds,
            )
        # When a call under way ends is not known, so flight slots are polled; a window slot's time is known.
        return min(WAIT_SECONDS_MAX, max(WAIT_SECONDS_MIN if lanes["flight"][1] else POLL_SECONDS, seconds))

    def _run(self, statement: str, **values: object) -> None:
        with self._transaction() as db:
            db.execute(_HURRIED)
            db.execute(statement, {**self._limits, **values})


class Quotas:
    """Limits that one call must keep all of, as a `CallGate`: a company's, then those of the app over all companies.

    A pause is the company's: who else was told to wait is not known here.
    """

    def __init__(self, company: CallQuota, *wider: CallQuota) -> None:
        self._company = company
        self._wider = wider

    @contextmanager
    def call(self) -> Iterator[None]:
        """Wait for the scarcest first, so that nobody waits for a company with the app's permission in hand."""
        with ExitStack() as held:
            for quota in (self._company, *self._wider):
                held.enter_context(quota.call())
            yield

    def pause(self, seconds: float) -> None:
        self._company.pause(seconds)

    def paused_seconds(self) -> float:
        return self._company.paused_seconds()


@cache
def _built(names: tuple[str, ...]) -> dict[str, str]:
    """The statements for windows of these names, which are words of ours."""
    assert all(name.isidentifier() for name in names)
    lasting = " ".join(f"when '{name}' then %({name}_seconds)s" for name in names)
    counted = [
        _COUNTED.format(name=name, before=before)
        for before, name in zip(("flight", *(f"of_{n}" for n in names)), names, strict=False)
    ]
    return {
        "take": _TAKE.format(
            counted="".join(counted).strip(),
            chosen=" union all ".join(
                [
                    "select company, 'flight', slot, 0 from flight",
                    *(f"select company, '{name}', slot, %({name}_seconds)s from of_{name}" for name in names),
                ]
            ),
            last=names[-1],
        ),
        "give_back": _GIVE_BACK.format(seconds=f"case lane {lasting} else 0 end"),
        "wait": _WAIT.format(
            sizes="when 'flight' then %(in_flight)s "
            + " ".join(f"when '{name}' then %({name}_calls)s" for name in names)
        ),
        "make": _MAKE.format(
            windows=" ".join(f"union all select '{name}', generate_series(0, %({name}_calls)s - 1)" for name in names)
        ),
    }


def company_key(erp: str, app: str, company: str) -> str:
    """Names a company as the ERP counts it: by app and company, whichever tenant or connection calls."""
    return hashlib.sha256("\x00".join((erp, app, company)).encode()).hexdigest()[:32]
