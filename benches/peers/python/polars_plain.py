"""No privacy at all: polars' streaming engine, the time that reading and adding takes."""
import polars as pl
from rival import CELLS, FILE, answer


def job():
    rows = pl.scan_parquet(FILE).select("region", "condition", "value")
    sums = rows.group_by("region", "condition").agg(pl.len().alias("count"), pl.col("value").sum())
    table = sums.collect(engine="streaming")
    cells = dict.fromkeys(CELLS, (0, 0))
    cells.update({(region, condition): (count, total) for region, condition, count, total in table.select("region", "condition", "count", "value").iter_rows()})
    return cells


answer(job, ["polars"])
