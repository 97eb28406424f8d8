"""diffprivlib: geometric noise at the pure epsilon whose zCDP loss is the table's rho; bounding by hand."""
import math

import diffprivlib, pandas as pd
from census_rival import answer


def count(table, path):
    rows = pd.read_parquet(path).sample(frac=1)
    rows = rows[rows.groupby("person_id").cumcount() < table["limit"]]
    exact = rows["cell"].value_counts().to_dict()
    epsilon = math.sqrt(2 * table["rho"])
    geometric = diffprivlib.mechanisms.Geometric(epsilon=epsilon, sensitivity=table["limit"])
    return {cell: geometric.randomise(int(exact.get(cell, 0))) for cell in table["cells"]}


answer(count, ["diffprivlib", "pandas"])
