"""Reads bundles with other people's software and compares what it says with what the files hold.

Usage: python check.py BUNDLE...   Ends with a line that `cargo xtask test` counts.
"""

import csv
import io
import json
import math
import sys
from pathlib import Path

import frictionless
import mlcroissant
import pyarrow.parquet
from fhir.resources.R4B.measurereport import MeasureReport


def data_package(bundle):
    """datapackage.json passes frictionless: schema, types, sizes and hashes of every CSV."""
    package = frictionless.Package(str(bundle / "datapackage.json"))
    package.resources = [own for own in package.resources if own.format == "csv"]
    report = package.validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "message"])[:5]


def croissant(bundle):
    """croissant.json passes mlcroissant without error or warning, and its records are the rows."""
    dataset = mlcroissant.Dataset(bundle / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors, issues.errors
    assert not issues.warnings, issues.warnings
    records = dataset.metadata.record_sets[0]
    rows = sum(1 for _ in dataset.records(record_set=records.uuid))
    table = pyarrow.parquet.read_table(bundle / "tables" / f"{records.name}.parquet")
    assert rows == table.num_rows, (records.name, rows, table.num_rows)


def measure_reports(bundle):
    """Every line of measure-report.ndjson is a MeasureReport; counts are those of the tables."""
    lines = (bundle / "measure-report.ndjson").read_text().splitlines()
    assert lines
    for line in lines:
        MeasureReport.model_validate_json(line)
        report = json.loads(line)
        for stratum in report["group"][0]["stratifier"][0]["stratum"]:
            population = stratum["population"][0]
            count = population.get("count")
            assert ("_count" in population) if count is None else count >= 0


def tables(bundle):
    """Parquet carries its privacy parameters; withheld rows have no number. `readers.py` compares every value."""
    for path in sorted((bundle / "tables").glob("*.parquet")):
        table = pyarrow.parquet.read_table(path)
        metadata = table.schema.metadata or pyarrow.parquet.read_metadata(path).metadata
        assert b"medrec.rho_release" in metadata, sorted(metadata)
        own = table.to_pydict()
        if "withheld" in own:
            for index, withheld in enumerate(own["withheld"]):
                assert not withheld or own["estimate"][index] is None


def spreadsheets(bundle):
    """Strict RFC 4180: CRLF, equal rows, points in numbers whatever the language, and no text that a spreadsheet computes."""
    for path in sorted((bundle / "tables").glob("*.csv")):
        text = path.read_bytes().decode("utf-8")
        assert not text.startswith("\ufeff") and text.endswith("\r\n"), path
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert len(rows) > 1 and len({len(row) for row in rows}) == 1, path
        # Written anew by another program's rules, it is the same file.
        again = io.StringIO(newline="")
        csv.writer(again, lineterminator="\r\n").writerows(rows)
        assert list(csv.reader(io.StringIO(again.getvalue(), newline=""))) == rows, path
        for row in rows:
            for cell in row:
                if cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
                    number = float(cell)
                    assert math.isfinite(number) and "," not in cell and "_" not in cell, (path, cell)


def main():
    passed, failed = 0, 0
    for bundle in map(Path, sys.argv[1:]):
        for check in (data_package, croissant, measure_reports, tables, spreadsheets):
            try:
                check(bundle)
                passed += 1
            except Exception as problem:  # Each check says on its own what it found.
                failed += 1
                print(f"{bundle.name}: {check.__name__}: {type(problem).__name__}: {problem}", file=sys.stderr)
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; 0 ignored")
    return 1 if failed or not passed else 0


sys.exit(main())
