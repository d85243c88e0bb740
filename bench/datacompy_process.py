"""One datacompy process of the benchmark: two CSV files read, compared by id, and what differs counted.

Runs in the yardstick's environment, beside nothing of Tieout. Amounts are read as text, because a float is no amount:
that is also the faster way for datacompy.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import pandas
from datacompy import PandasCompare


def main(folder: str) -> None:
    """Prints version, seconds of the comparison, of the reading, and how many documents differ, as JSON."""
    began = perf_counter()
    ours, theirs = (pandas.read_csv(Path(folder) / f"{name}.csv", dtype=str) for name in ("ours", "theirs"))
    read = perf_counter()
    compared = PandasCompare(ours, theirs, join_columns="external_id")
    lone = len(compared.df1_unq_rows) + len(compared.df2_unq_rows)
    differing = lone + len(compared.intersect_rows) - compared.count_matching_rows()
    print(
        json.dumps(
            {
                "version": version("datacompy"),
                "seconds": perf_counter() - read,
                "read_seconds": read - began,
                "differing": int(differing),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
