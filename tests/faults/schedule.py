"""One schedule: what both hands do, when the product runs, and what goes wrong while it does.

A seed gives the same steps every time, and each step draws its own chances from seed and place, so that steps can be
left out of a schedule that failed without changing the others. Running many of them is `running.py`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any

from tests.faults.aims import AIMS, DECIDING, EACH_AIM, FINDING, MERGING, PULLING, SENDING, steps_to
from tests.faults.faults import FAULTS, rules
from tests.faults.hands import Hands
from tests.faults.journal import effects_without_intent
from tests.faults.letters import spoiled
from tests.faults.world import World

SYNC_POINTS = (*PULLING, *MERGING, "settled", "conflict_opened")
PUSH_POINTS = (*MERGING, "settled", *SENDING, *FINDING, "resend_counted", "caught_up", "conflict_opened")
# Where most is at stake: half of the strikes are there.
CRITICAL = {
    "push": ("intent_committed", "after_send", "before_record", "record_written"),
    "delta": ("page_fetched", "watermark_written", "page_committed", "merge_written"),
}
STEPS = {
    "make_here": 3,
    "make_there": 2,
    "edit_here": 4,
    "edit_there": 4,
    "edit_both": 2,
    "end_here": 1,
    "end_there": 1,
    "apply_here": 1,
    "decide": 1,
    "work": 9,
}
MADE = {
    "invoices": 6,
    "payments": 4,
    "bills": 3,
    "bill_payments": 2,
    "credit_memos": 2,
    "purchase_orders": 2,
    "customers": 2,
    "vendors": 1,
    "items": 1,
}
# The seeds that run with every change: short, so that there is time for all of them.
SHORT_SEEDS = range(440)
AIMS_PER_SHORT_SCHEDULE = 1
AIMS_PER_SCHEDULE = 4
# More than the service remembers a request id.
A_LONG_WHILE_SECONDS = 90_000
# How often what the company tells by webhooks comes before the product runs, and not after it.
A_DELIVERY_COMES = 0.5


@dataclass(frozen=True)
class Step:
    """One step; of `work` also what is run, which fault the company has then, and what strikes the product where.

    `of`: the kind of record that is made or edited, if it matters.
    """

    place: int
    what: str
    run: str = ""
    of: str = ""
    fault: str = ""
    strike: dict[str, Any] | None = None
    is_doubled: bool = False
    long_while: bool = False
    clock_seconds: int = 0
    edit_meanwhile: bool = False

    def says(self) -> str:
        said = [self.what, self.of, self.run, self.fault and f"fault {self.fault}"]
        if self.strike:
            said.append(f"{self.strike['how']} at {self.strike['point']} {self.strike['nth']}")
        said += ["two at once"] * self.is_doubled + ["a day passes first"] * self.long_while
        said += [f"clock moved by {self.clock_seconds} s"] * bool(self.clock_seconds)
        return f"{self.place}: {', '.join(filter(None, said))}"


@dataclass
class Ran:
    """What a schedule left: both hands' memory and what was noticed while it ran; `delivered`: webhooks."""

    seed: int
    steps: list[Step]
    hands: Hands
    found: list[str] = field(default_factory=list)
    rounds: int | None = None
    trace: list[str] = field(default_factory=list)
    has_long_while: bool = False
    delivered: int = 0


def steps_of(seed: int, aims: int | None = None) -> list[Step]:
    """The steps that a seed means: some by chance, and in between those that lead to what is next to be aimed at,
    so many `aims` or as many as its length allows.
    """
    chance = random.Random(f"schedule {seed}")
    # A subset of the faults for each seed: rare combinations come up more often than if all were always on.
    faults = chance.sample(sorted(FAULTS), 5)
    steps = [Step(0, "make_here")]
    is_short = seed in SHORT_SEEDS and aims is None
    listed = EACH_AIM if is_short else AIMS
    if aims is None:
        aims = AIMS_PER_SHORT_SCHEDULE if is_short else AIMS_PER_SCHEDULE
    for aimed in range(aims):
        for _ in range(chance.randint(0, 1)):
            what = chance.choices(list(STEPS), list(STEPS.values()))[0]
            steps.append(_work(chance, len(steps), faults) if what == "work" else Step(len(steps), what))
            if what == "edit_both" and chance.random() < 0.5:
                # A conflict that nobody sees cannot be decided.
                steps += [Step(len(steps), "work", "delta"), Step(len(steps) + 1, "decide")]
        aim = listed[(seed * aims + aimed) % len(listed)]
        for step in steps_to(aim, chance):
            steps.append(Step(len(steps), **step))
    return steps


def _work(chance: random.Random, place: int, faults: list[str]) -> Step:
    run = chance.choices(["push", "delta", "full"], [10, 5, 1])[0]
    step = Step(place, "work", run, fault=chance.choice(faults) if chance.random() < 0.75 else "")
    if chance.random() < 0.6:
        how = chance.choices(["kill", "cut", "restart", "zombie", "write"], [24, 4, 1, 4, 6])[0]
        some = CRITICAL["push" if run == "push" else "delta"]
        all_of_them = PUSH_POINTS if run == "push" else SYNC_POINTS
        point = chance.choice(some if chance.random() < 0.5 else all_of_them)
        step = replace(step, strike={"point": point, "nth": chance.choice([1, 1, 1, 2, 3]), "how": how})
    else:
        step = replace(step, is_doubled=chance.random() < 0.15)
    return replace(
        step,
        long_while=chance.random() < 0.12,
        clock_seconds=chance.choice([-600, 600]) if chance.random() < 0.08 else 0,
        edit_meanwhile=chance.random() < 0.15,
    )


class Schedule:
    """Runs steps in a world that was put back to its beginning. `mutant` breaks the protocol on purpose."""

    def __init__(self, world: World, seed: int, steps: list[Step] | None = None, mutant: str = "") -> None:
        self.world = world
        self.seed = seed
        self.steps = steps_of(seed) if steps is None else steps
        self.mutant = mutant
        self.hands = Hands(world, seed)
        self.ran = Ran(seed, self.steps, self.hands)
        self._marks: dict[str, Any] = {}
        self._latest_there = ""
        self._is_set_back_unseen = False

    def run(self) -> Ran:
        """Do everything, then leave the world in peace until it is quiet."""
        setup = random.Random(f"company {self.seed}")
        self.world.control("switches", self.world.erp.chosen_switches(setup))
        self.world.control("webhooks/faults", spoiled(self.seed))
        self._look_at_watermarks()
        for step in self.steps:
            chance = random.Random(f"step {self.seed} {step.place}")
            self.hands.say(step.says())
            if step.what == "work":
                self._work(chance, step)
            elif step.what == "decide":
                self._decide(chance, step)
            elif step.what == "make_here":
                entity = step.of or chance.choices(list(MADE), list(MADE.values()))[0]
                self.hands.make_here(chance, entity, strange_party=chance.random() < 0.15)
            elif step.what == "make_there":
                self.hands.make_there(chance, step.of or chance.choices(list(MADE), list(MADE.values()))[0])
            elif step.what in ("edit_both", "edit_there", "end_there"):
                getattr(self.hands, step.what)(chance, of=step.of)
            else:
                getattr(self.hands, step.what)(chance)
        self._make_peace()
        return self.ran

    def _work(self, chance: random.Random, step: Step) -> None:
        if step.long_while and self._move_clock(A_LONG_WHILE_SECONDS):
            self.ran.has_long_while = True
        if self.world.erp.rest_seconds and step.run == "push":
            self._let_keys_age(chance, *self.world.erp.rest_seconds)
        if step.clock_seconds:
            self._move_clock(step.clock_seconds)
        strike, edited = self._written_by(chance, step.strike)
        action = {"do": step.run, "strike": strike, "mutant": self.mutant}
        actions = [action]
        if step.is_doubled:
            actions.append({"do": chance.choice(["push", "delta"]), "mutant": self.mutant})
        scripted = self._script(chance) if step.edit_meanwhile else None
        if random.Random(f"post {self.seed} {step.place}").random() < A_DELIVERY_COMES:
            self.ran.delivered += self.world.deliver()
        ended = self.world.work(*actions, fault=step.fault, rules=rules(step.fault, self.world.erp.requests))
        if scripted:
            scripted()
        if edited and "written" in ended[0] and ended[0]["written"] is not None:
            edited(ended[0]["written"])
        if any(end["code"] == 0 and action["do"] != "push" for action, end in zip(actions, ended, strict=True)):
            self._is_set_back_unseen = False
        for end in ended:
            self.ran.trace.append(f"{step.run}: {end['code']} {sorted(end['passed'].items())}")
            self.hands.say(f"   ended {end['code']} {end['said'][:300]}")
            if end.get("taken_over") not in (None, 0, 1):
                self.hands.say(f"   whoever took it over ended {end['taken_over']}")
        self._look_at_watermarks()
        self.ran.found += effects_without_intent(self.world, self.world.ask("effects"))

    def _move_clock(self, seconds: int) -> bool:
        """Says whether it was: one that was set back and passes the watermark again with no sync in between is a limit
        of its own.
        """
        if seconds > 0 and self._is_set_back_unseen:
            return False
        self._is_set_back_unseen = seconds < 0
        self.world.control("clock", {"advance_seconds": seconds})
        return True

    def _let_keys_age(self, chance: random.Random, forgotten_seconds: int, over_seconds: int) -> None:
        """What is in doubt gets so old that its key may be forgotten, and must rest; or older than anything of it."""
        drawn = chance.random()
        seconds = forgotten_seconds if drawn < 0.2 else over_seconds
        if drawn < 0.3 and self._move_clock(seconds):
            self.ran.has_long_while = True
            self.world.let_intents_age(seconds)

    def _written_by(
        self, chance: random.Random, strike: dict[str, Any] | None, besides: int | None = None
    ) -> tuple[dict[str, Any] | None, Any]:
        """What strikes; if somebody writes into the ledger just then, with what, and how to remember it. `besides`: the
        row that is locked then.
        """
        if strike is None or strike["how"] != "write":
            return strike, None
        record = self.hands.pick(chance, lambda r: bool(r.kind.texts) and r.ledger_id not in (None, besides))
        if record is None:
            return None, None
        name, value = self.hands.a_text_of(chance, record)
        statement = (
            f"update ledger.{record.kind.entity} set {name} = %s where ledger_id = %s and not is_deleted "
            f"returning (select o.{name} from ledger.{record.kind.entity} o where o.ledger_id = %s)"
        )

        def remember(before: str) -> None:
            self.hands.wrote_here(record, name, value, before)

        return {**strike, "statement": statement, "values": [value, record.ledger_id, record.ledger_id]}, remember

    def _script(self, chance: random.Random) -> Any:
        """Somebody works over there right after one of the product's requests, on a field that only they write."""
        record = self.hands.pick(chance, lambda r: r.external_id is not None and bool(r.texts_without_ours()))
        there = self.hands.there(record) if record else None
        if record is None or there is None:
            return None
        name = chance.choice(record.texts_without_ours())
        edit = self.hands.edit_of(chance, record, there, name)
        if edit is None:
            return None
        value, body, _ = edit
        asked = self.world.erp.edit_of("update", record.kind, there, body)
        after = {"path": self.world.erp.any_request, "nth": chance.randint(1, 4)}
        self.world.control("script", [{"after": after, "edit": asked}])

        def remember() -> None:
            statuses = [status for one in self.world.ask("script") for status in one.get("statuses", ())]
            self.world.control("script", [])
            if statuses and all(status == 200 for status in statuses):
                self.hands.wrote_there(record, name, value)

        return remember

    def _decide(self, chance: random.Random, step: Step) -> None:
        """A person decides a conflict, and perhaps dies over it."""
        open_ones = self.world.rows(
            "select * from sync.conflicts where state = 'open' and kind <> 'possible_duplicate' order by conflict_id"
        )
        if not open_ones:
            return
        conflict, keep = chance.choice(open_ones), chance.choice(["ours", "theirs"])
        strike = step.strike
        if strike is None and chance.random() < 0.6:
            strike = {"point": chance.choice(DECIDING), "nth": 1, "how": chance.choice(["kill", "cut"])}
        strike, edited = self._written_by(chance, strike, besides=conflict["ledger_id"])
        asked = {"do": "resolve", "conflict": conflict["conflict_id"], "keep": keep, "strike": strike}
        (end,) = self.world.work({**asked, "mutant": self.mutant})
        now = self.world.one("select * from sync.conflicts where conflict_id = %s", conflict["conflict_id"])
        self.hands.say(f"   ended {end['code']} {end['said'][:300]}")
        if now and now["state"] == "resolved":
            self.hands.decided(conflict, keep)
        if edited and end.get("written") is not None:
            # Whoever wrote saw what was decided: the row is locked until then.
            edited(end["written"])

    def _make_peace(self) -> None:
        """No more faults; what is late comes now; then sync and push until neither changes anything."""
        self.world.control("late", {})
        self.ran.delivered += self.world.deliver(is_early=True)
        if self.world.erp.rest_seconds:
            # All that is late has come before: this excuses nothing that is there twice.
            self.world.let_intents_age(self.world.erp.rest_seconds[1])
        self.world.let_censuses_be_taken()
        (end,) = self.world.work({"do": "peace", "mutant": self.mutant})
        self._look_at_watermarks()
        self.ran.rounds = end.get("rounds")
        self.ran.trace.append(f"peace: {end['code']} {end.get('rounds')} {sorted(end['passed'].items())}")
        if end["code"]:
            self.ran.found.append(f"in peace the product failed: {end['said'] or end['code']}")
        elif end["rounds"] is None:
            self.ran.found.append(f"not quiet in peace: {end.get('pending')}")

    def _look_at_watermarks(self) -> None:
        """Watermarks move forwards only, and never past any time the company's clock has shown."""
        now = self.world.ask("clock")["now"][:19]
        self._latest_there = max(self._latest_there, now)
        for row in self.world.rows("select entity, watermark from sync.cursors where watermark is not null"):
            before = self._marks.get(row["entity"])
            if before is not None and row["watermark"] < before:
                self.ran.found.append(f"the watermark of {row['entity']} went back")
            if row["watermark"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") > self._latest_there:
                self.ran.found.append(f"the watermark of {row['entity']} is past the company's clock")
            self._marks[row["entity"]] = row["watermark"]
