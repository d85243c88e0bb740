"""What the clock sweeps up."""

from __future__ import annotations

from pathlib import Path

from pipelines.housekeeping import housekeeping
from resources.configured import ServicesResource
from tests.conftest import NewDatabase
from tests.house import open_house, prepare_database


def test_the_job_erases_what_belongs_to_nobody_and_says_how_much(new_database: NewDatabase, tmp_path: Path):
    with open_house(new_database(prepare_database), tmp_path) as house:
        house.vault("default").put("long_gone", "client_secret", "x")

        ran = housekeeping.execute_in_process(resources={"services": ServicesResource()})

        outputs = ran.filter_events(lambda event: event.event_type_value == "STEP_OUTPUT")
        metadata = {name: value for event in outputs for name, value in event.step_output_data.metadata.items()}
        assert metadata["answers"].value == 0
        assert metadata["secrets of removed connections"].value == 1
        assert house.vault("default").all("long_gone") == {}
