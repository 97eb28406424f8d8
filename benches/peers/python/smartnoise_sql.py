"""SmartNoise SQL over a pandas frame: at most 32 rows a person, Laplace."""
import pandas as pd, snsql
from rival import CELLS, COLUMNS, EPSILON, FILE, LOWER, ROWS, UPPER, answer
from snsql import Mechanism, Privacy, Stat


def job():
    rows = pd.read_parquet(FILE, columns=COLUMNS)
    columns = {"person_id": {"type": "int", "private_id": True}, "region": {"type": "string"}, "condition": {"type": "string"}, "value": {"type": "int", "lower": LOWER, "upper": UPPER}}
    table = {"row_privacy": False, "max_ids": ROWS, "sample_max_ids": True, "censor_dims": False, "clamp_counts": False, "rows": len(rows), **columns}
    privacy = Privacy(epsilon=EPSILON / 2, delta=1e-7)  # half for each of two columns
    for statistic in (Stat.count, Stat.sum_int, Stat.sum_large_int, Stat.threshold):
        privacy.mechanisms.map[statistic] = Mechanism.laplace
    reader = snsql.from_df(rows, privacy=privacy, metadata={"": {"s": {"t": table}}})
    result = reader.execute("SELECT region, condition, COUNT(*) AS n, SUM(value) AS s FROM s.t GROUP BY region, condition")
    cells = {cell: (0.0, 0.0) for cell in CELLS}
    cells.update({(region, condition): (count, total) for region, condition, count, total in result[1:]})
    return cells


answer(job, ["smartnoise-sql", "opendp"], bound="32 rows a person")
