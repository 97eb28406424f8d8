"""Reads every Parquet table of bundles with each reader that is installed, and holds every value against the CSV beside it.

Usage: python readers.py BUNDLE...   Ends with a line that `cargo xtask test` counts. The requirements file decides which
readers of which versions are there; one that it names and that cannot be imported is a failure.
"""

import csv
import importlib
import importlib.metadata
import math
import sys
from pathlib import Path

# The order of each reader's answer: the names of the columns, and the rows.


def by_pyarrow(path):
    table = importlib.import_module("pyarrow.parquet").read_table(path)
    return table.column_names, list(zip(*(table[name].to_pylist() for name in table.column_names)))


def by_pandas(path):
    # What pandas.read_parquet of the bundle's own instructions does: its first engine is pyarrow.
    frame = importlib.import_module("pandas").read_parquet(path)
    return list(frame.columns), list(frame.itertuples(index=False, name=None))


def by_polars(path):
    frame = importlib.import_module("polars").read_parquet(path)
    return frame.columns, frame.rows()


def by_lazy_polars(path):
    # A filter makes it read the statistics of the columns too.
    polars = importlib.import_module("polars")
    scan = polars.scan_parquet(path)
    first = scan.collect_schema().names()[0]
    frame = scan.filter(polars.col(first).is_not_null()).collect()
    return frame.columns, frame.rows()


def by_duckdb(path):
    result = importlib.import_module("duckdb").sql(f"SELECT * FROM '{path}'")
    return result.columns, result.fetchall()


def by_fastparquet(path):
    frame = importlib.import_module("fastparquet").ParquetFile(str(path)).to_pandas()
    return list(frame.columns), list(frame.itertuples(index=False, name=None))


READERS = {
    "pyarrow": [by_pyarrow],
    "pandas": [by_pandas],
    "polars": [by_polars, by_lazy_polars],
    "duckdb": [by_duckdb],
    "fastparquet": [by_fastparquet],
}


def is_missing(value):
    """Readers without a type for it say NaN for a missing number, and bundles hold no NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value) == "<NA>"


def same(text, value):
    """A CSV text and a value that was read are one."""
    if is_missing(value):
        return text == ""
    if text in ("true", "false") and not isinstance(value, (str, bytes)):
        return bool(value) == (text == "true")
    if isinstance(value, str):
        # An apostrophe keeps a spreadsheet from computing a label.
        guarded = "'" + value if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
        return text.replace("\r\n", "\n") == guarded.replace("\r\n", "\n")
    return text != "" and float(text) == float(value)


def check(path, read):
    """Every value of a table, by one reader."""
    with open(path.with_suffix(".csv"), encoding="utf-8", newline="") as file:
        header, *expected = csv.reader(file, strict=True)
    names, rows = read(path)
    assert list(names) == header, (names, header)
    assert len(rows) == len(expected), (len(rows), len(expected))
    for number, (row, texts) in enumerate(zip(rows, expected)):
        for name, value, text in zip(header, row, texts):
            assert same(text, value), f"row {number}, {name}: {value!r} instead of {text!r}"


def main():
    installed = {name for name in READERS if has(name)}
    readers = [read for name in READERS if name in installed for read in READERS[name]]
    assert {"pyarrow", "polars", "duckdb"} <= installed, installed
    passed, failed = 0, 0
    for bundle in map(Path, sys.argv[1:]):
        paths = sorted((bundle / "tables").glob("*.parquet"))
        assert paths, f"{bundle} has no tables"
        for read in readers:
            for path in paths:
                try:
                    check(path, read)
                    passed += 1
                except BaseException as problem:  # Readers in Rust panic with an error of their own.
                    failed += 1
                    print(f"{path}: {read.__name__}: {type(problem).__name__}: {problem}", file=sys.stderr)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(installed))
    print(f"read by {versions}")
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; 0 ignored")
    return 1 if failed or not passed else 0


def has(name):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


sys.exit(main())
