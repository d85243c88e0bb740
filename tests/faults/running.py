"""Running many schedules, and saying what a person needs to know of one that failed: the shortest form that fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tests.faults.bites import BITES
from tests.faults.invariants import violations
from tests.faults.schedule import Ran, Schedule, Step
from tests.faults.world import World

SHORTENINGS_MAX = 60
OWN_ERRORS = ("AttributeError", "ImportError", "NameError", "TypeError")


@dataclass
class Tried:
    """One schedule in a world that was put back to its beginning."""

    ran: Ran
    found: list[str]


def attempt(world: World, seed: int, steps: list[Step] | None = None, mutant: str = "") -> Tried:
    world.reset()
    ran = Schedule(world, seed, steps, mutant).run()
    return Tried(ran, violations(world, ran))


def failures(world: World, seeds: Iterable[int], mutant: str = "", *, is_shortened: bool = True) -> Iterator[str]:
    """Run each seed; yields one text for each that leaves something that does not hold."""
    for seed in seeds:
        tried = attempt(world, seed, mutant=mutant)
        if tried.found:
            yield shortened(world, tried, mutant) if is_shortened else told(world, tried)


def first_failure(world: World, seeds: Iterable[int], mutant: str) -> tuple[int, str] | None:
    """The first seed that finds a broken protocol out, and what it found; None if all of them miss it. A mutant that
    only fails by itself, because what it breaks has moved, is no proof: AssertionError.

    What a schedule made for it (`bites.py`) does with each seed, which must hold where nothing is broken.
    """
    for seed in seeds:
        tried = attempt(world, seed, BITES[mutant], mutant)
        if tried.found:
            assert not any(own in line for line in tried.found for own in OWN_ERRORS), told(world, tried)
            whole = attempt(world, seed, BITES[mutant])
            assert not whole.found, told(world, whole)
            return seed, tried.found[0]
    return None


def shortened(world: World, tried: Tried, mutant: str = "") -> str:
    """Leave steps out, then faults and strikes, as long as it still fails; tells the shortest that did."""
    left = SHORTENINGS_MAX
    best, is_shorter = tried, True
    while is_shorter and left > 0:
        is_shorter = False
        for steps in _shorter(best.ran.steps):
            left -= 1
            again = attempt(world, tried.ran.seed, steps, mutant)
            if again.found:
                best, is_shorter = again, True
                break
            if left <= 0:
                break
    # Once more, so that what is told is what stands in the world now.
    last = attempt(world, tried.ran.seed, best.ran.steps, mutant)
    return told(world, last if last.found else best)


def _shorter(steps: list[Step]) -> Iterator[list[Step]]:
    for n in range(len(steps)):
        yield steps[:n] + steps[n + 1 :]
    for n, step in enumerate(steps):
        for simpler in (
            replace(step, fault=""),
            replace(step, strike=None),
            replace(step, is_doubled=False, long_while=False, clock_seconds=0, edit_meanwhile=False),
        ):
            if simpler != step:
                yield [*steps[:n], simpler, *steps[n + 1 :]]


def told(world: World, tried: Tried) -> str:
    """Seed, what does not hold, the story of both hands, the calls, and what they did over there."""
    log = [
        f"{line['method']} {line['path']} {str(line.get('query') or '')[:80]} -> {line['status']} "
        f"{line.get('fault') or ''}"
        for line in world.ask("log")
    ]
    effects = [
        f"{line['operation']} {line['entity']}/{line['id']} by {line['origin']} key {line['key'] or '-'}"
        f"{' (replay)' if line['replay'] else ''}"
        for line in world.ask("effects")
    ]
    intents = [
        f"{i['operation']} {i['entity']}/#{i['ledger_id']} v{i['ledger_version']} {i['state']} key {i['key']} "
        f"{i['answer']}"
        for i in world.rows("select * from sync.outbox order by intent_id")
    ]
    parts = {
        "does not hold": tried.found,
        "story": tried.ran.hands.story,
        "calls": log[-60:],
        "effects": effects,
        "intents": intents,
        "said": world.said,
    }
    lines = [f"seed {tried.ran.seed}"]
    for title, said in parts.items():
        lines += [f"  {title}:", *(f"    {each}" for each in said)]
    return "\n".join(lines)
