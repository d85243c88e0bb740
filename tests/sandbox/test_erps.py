"""Every registered ERP offers what the shared parts ask of it, and its company lives through a snapshot and a file."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from sandbox.erps import COMMON_ANSWERS, ERPS, Erp, plug_of
from sandbox.http import Request
from sandbox.persist import Journal
from sandbox.service import Service
from sandbox.world import World

OFFERED = [name for name in vars(Erp) if not name.startswith("_")]


def build(name: str, world: World) -> Service:
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-limits", action="store_true")
    plug_of(name).add_arguments(parser)
    return Service(plug_of(name).build(world, parser.parse_args([])), world)


def state(service: Service) -> bytes:
    return b"".join(service.erp.state(None))


@pytest.mark.parametrize("name", sorted(ERPS))
def test_it_offers_what_the_interface_asks_for(name: str):
    erp: Any = build(name, World()).erp

    assert [each for each in OFFERED if not callable(getattr(erp, each, None))] == []
    assert erp.options.values()


@pytest.mark.parametrize("name", sorted(ERPS))
def test_it_has_the_common_answers_and_no_others(name: str):
    erp = build(name, World()).erp
    statuses = [erp.answer_named(each, Request("GET", "/")).status for each in COMMON_ANSWERS]

    assert statuses == [429, 500, 503, 504, 401, 200, 200]
    with pytest.raises(ValueError, match="throttled"):
        erp.answer_named("nonsense", Request("GET", "/"))


@pytest.mark.parametrize("seed", ["empty", "demo"])
@pytest.mark.parametrize("name", sorted(ERPS))
def test_its_company_comes_back_from_a_snapshot_and_from_a_file(name: str, seed: str, tmp_path: Path):
    file = str(tmp_path / "company.journal")
    service = build(name, World(Journal(file)))
    service.reset(seed, 1)
    service.erp.tokens()
    before, snapshot = state(service), service.snapshot()

    service.reset("empty" if seed == "demo" else "demo", 1)
    service.restore(snapshot)
    again = build(name, World(Journal(file)))

    assert state(service) == before
    assert again.world.come_back(again.erp) and state(again) == before
    service.erp.disconnect()
