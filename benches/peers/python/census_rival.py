"""What the rivals of the census share.

usage of each: CENSUS_RIVAL.py FOLDER ANSWER_FILE
FOLDER/tables.json lists the tables: name, whether distinct persons or rows are counted, the limit a person, rho, cells."""
import importlib.metadata, json, sys, time

FOLDER, ANSWER = sys.argv[1], sys.argv[2]


def answer(count, packages):
    """Runs `count(table, path)`, which gives {cell: count}, over all tables."""
    tables = json.load(open(f"{FOLDER}/tables.json"))
    start = time.perf_counter()
    counts = {table["name"]: {cell: float(value) for cell, value in count(table, f"{FOLDER}/{table['name']}.parquet").items()} for table in tables}
    seconds = time.perf_counter() - start
    versions = {package: importlib.metadata.version(package) for package in packages}
    json.dump({"seconds": seconds, "versions": versions, "tables": counts}, open(ANSWER, "w"))
