"""OpenDP's polars interface: discrete Gaussian noise under the table's rho, the public cells as keys."""
import polars as pl, opendp.prelude as dp
from census_rival import answer

dp.enable_features("contrib")


def count(table, path):
    context = dp.Context.compositor(
        data=pl.scan_parquet(path),
        privacy_unit=dp.unit_of(contributions=1, identifier=pl.col("person_id")),
        privacy_loss=dp.loss_of(rho=table["rho"]),
        split_evenly_over=1,
        margins=[dp.polars.Margin(by=[], max_length=1_000_000_000)],
    )
    query, limit = context.query(), table["limit"]
    if not table["is_of_persons"]:
        query = query.truncate_per_group(limit)
    elif limit == 1:
        query = query.truncate_per_group(1)
    else:
        # 0.16 keeps one group fewer than it charges for.
        query = query.truncate_per_group(1, by=["cell"]).truncate_num_groups(limit, by=["cell"], keep="first")
    keys = pl.DataFrame({"cell": table["cells"]})
    released = query.group_by("cell").agg(dp.len(signed=True)).with_keys(keys.lazy()).release().collect()
    return dict(released.select("cell", "len").iter_rows())


answer(count, ["opendp", "polars"])
