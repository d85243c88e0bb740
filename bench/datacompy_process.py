"""One datacompy process of the benchmark: two tables read from PostgreSQL, compared by id, and what differs counted.

Runs in the yardstick's environment, beside nothing of Tieout. The columns have the types that reading them gives, so
that amounts stay exact: as floats they would be other amounts, and as text 1.0 and 1.00 would differ.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from time import perf_counter

import pandas
import psycopg2
from datacompy import PandasCompare


def read(cursor: psycopg2.extensions.cursor, table: str) -> pandas.DataFrame:
    cursor.execute(f"select * from bare.{table}")
    return pandas.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])


def main(url: str) -> None:
    """Prints version, seconds of the comparison, of the reading, and how many documents differ, as JSON."""
    began = perf_counter()
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        ours, theirs = read(cursor, "ours"), read(cursor, "theirs")
    compared_from = perf_counter()
    compared = PandasCompare(ours, theirs, join_columns="external_id")
    lone = len(compared.df1_unq_rows) + len(compared.df2_unq_rows)
    differing = lone + len(compared.intersect_rows) - compared.count_matching_rows()
    print(
        json.dumps(
            {
                "version": version("datacompy"),
                "seconds": perf_counter() - compared_from,
                "read_seconds": compared_from - began,
                "differing": int(differing),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
