"""No privacy at all: polars' streaming engine, the time that reading and adding takes."""
import polars as pl
from rival import FILE, answer


def job():
    rows = pl.scan_parquet(FILE).select("organisation_id", "code", "value")
    sums = rows.group_by("organisation_id", "code").agg(pl.len().alias("count"), pl.col("value").sum())
    table = sums.collect(engine="streaming")
    return {(region, code): (count, total) for region, code, count, total in table.select("organisation_id", "code", "count", "value").iter_rows()}


answer(job, ["polars"])
