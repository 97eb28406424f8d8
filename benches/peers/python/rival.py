"""What all rivals share: the job's public parameters, the rows that everybody reads, and the answer's form.

usage of each rival: RIVAL.py DATA_FOLDER ANSWER_FILE
The answer is JSON: seconds of the job (the interpreter's start, imports and a session's start left out), versions, and
[region, condition, count, sum] of each cell. Errors are computed by whoever started this, alike for all."""
import importlib.metadata, json, os, sys, time

EPSILON, ROWS, GROUPS, ROWS_PER_GROUP, LOWER, UPPER = 1.0, 32, 4, 8, 0, 300
REGIONS = [f"R{number:02d}" for number in range(51)]
CONDITIONS = [f"C{number:02d}" for number in range(40)]
CELLS = [(region, condition) for region in REGIONS for condition in CONDITIONS]
DATA, ANSWER = sys.argv[1], sys.argv[2]
FILE = f"{DATA}/rows.parquet"
COLUMNS = ["person_id", "region", "condition", "value"]


def flatten():
    """The canonical rows in the types that rivals are at home with: integers and strings, rewritten once, before any
    clock runs."""
    import pyarrow as pa, pyarrow.parquet as pq

    if os.path.exists(FILE):
        return
    types = pa.schema([("person_id", pa.int64()), ("region", pa.string()), ("condition", pa.string()), ("value", pa.int64())])
    source = pq.ParquetFile(f"{DATA}/measurement/part-0.parquet")
    with pq.ParquetWriter(FILE + ".new", types, compression="zstd") as writer:
        for batch in source.iter_batches(1_000_000, columns=["person_id", "organisation_id", "code", "value"]):
            table = pa.Table.from_batches([batch]).rename_columns(COLUMNS)
            writer.write_table(table.cast(types), row_group_size=1_000_000)
    os.replace(FILE + ".new", FILE)


def answer(job, packages, **more):
    """Runs the job once, and writes what it gives: {(region, condition): (count, sum)}."""
    flatten()
    start = time.perf_counter()
    cells = job()
    seconds = time.perf_counter() - start
    versions = {package: importlib.metadata.version(package) for package in packages}
    rows = [[region, condition, float(count), float(total)] for (region, condition), (count, total) in cells.items()]
    with open(ANSWER, "w") as file:
        json.dump({"seconds": seconds, "versions": versions, "cells": rows, **more}, file)
