"""OpenDP's polars interface: at most 32 rows a person in total, Laplace, the public cells as keys."""
import polars as pl, opendp.prelude as dp
from rival import CELLS, EPSILON, FILE, LOWER, ROWS, UPPER, answer

dp.enable_features("contrib")


def job():
    keys = pl.DataFrame(CELLS, schema=["region", "condition"], orient="row")
    context = dp.Context.compositor(
        data=pl.scan_parquet(FILE),
        privacy_unit=dp.unit_of(contributions=1, identifier=pl.col("person_id")),
        privacy_loss=dp.loss_of(epsilon=EPSILON),
        split_evenly_over=1,
        margins=[dp.polars.Margin(by=[], max_length=2_000_000_000)],
    )
    query = context.query().truncate_per_group(ROWS).group_by("region", "condition")
    query = query.agg(dp.len(signed=True), pl.col("value").fill_null(0).dp.sum((LOWER, UPPER))).with_keys(keys.lazy())
    table = query.release().collect()
    return {(region, condition): (count, total) for region, condition, count, total in table.select("region", "condition", "len", "value").iter_rows()}


answer(job, ["opendp", "polars"], bound="32 rows a person")
