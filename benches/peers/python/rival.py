"""What all rivals share: the job's public parameters, the file that everybody reads, and the answer's form.

usage of each rival: RIVAL.py DATA_FOLDER ANSWER_FILE
The answer is JSON: seconds of the job (the interpreter's start, imports and a session's start left out), versions, and
[region, condition, count, sum] of each cell. Errors are computed by whoever started this, alike for all."""
import importlib.metadata, json, sys, time

EPSILON, ROWS, GROUPS, ROWS_PER_GROUP, LOWER, UPPER = 1.0, 32, 4, 8, 0, 300
REGIONS = [f"R{number:02d}" for number in range(51)]
CONDITIONS = [f"C{number:02d}" for number in range(40)]
CELLS = [(region, condition) for region in REGIONS for condition in CONDITIONS]
DATA, ANSWER = sys.argv[1], sys.argv[2]
FILE = f"{DATA}/measurement/part-0.parquet"
COLUMNS = ["person_id", "organisation_id", "code", "value"]  # person, region, condition, value


def answer(job, packages, **more):
    """Runs the job once, and writes what it gives: {(region, condition): (count, sum)}."""
    start = time.perf_counter()
    cells = job()
    seconds = time.perf_counter() - start
    versions = {package: importlib.metadata.version(package) for package in packages}
    rows = [[region, condition, float(count), float(total)] for (region, condition), (count, total) in cells.items()]
    with open(ANSWER, "w") as file:
        json.dump({"seconds": seconds, "versions": versions, "cells": rows, **more}, file)


def polars_rows():
    """The rows as a lazy polars frame with the job's names."""
    import polars as pl

    return pl.scan_parquet(FILE).select(
        pl.col("person_id").cast(pl.Int64),
        pl.col("organisation_id").cast(pl.String).alias("region"),
        pl.col("code").cast(pl.String).alias("condition"),
        pl.col("value").cast(pl.Int64),
    )


def pandas_rows():
    """The rows as a pandas frame with the job's names."""
    import pandas as pd

    rows = pd.read_parquet(FILE, columns=COLUMNS)
    rows = rows.rename(columns={"organisation_id": "region", "code": "condition"})
    return rows.astype({"person_id": "int64", "region": str, "condition": str, "value": "int64"})
