"""diffprivlib's mechanisms. It has neither grouping nor persons: bounding and accounting are written by hand here, 4 cells
of 8 rows a person, so that the same 32 rows bound the change of a count."""
import warnings

import diffprivlib, numpy as np, pandas as pd
from rival import CELLS, COLUMNS, EPSILON, FILE, GROUPS, LOWER, ROWS_PER_GROUP, UPPER, answer

warnings.filterwarnings("ignore")


def job():
    rows = pd.read_parquet(FILE, columns=COLUMNS)
    rows["cell"] = rows["region"].str.cat(rows["condition"], sep="|").astype("category")
    rows = rows.sample(frac=1)
    rows = rows[rows.groupby(["person_id", "cell"], observed=True).cumcount() < ROWS_PER_GROUP]
    groups = rows[["person_id", "cell"]].drop_duplicates().sample(frac=1)
    groups = groups[groups.groupby("person_id").cumcount() < GROUPS]
    rows = rows.merge(groups, on=["person_id", "cell"])
    epsilon = EPSILON / 2 / (GROUPS * ROWS_PER_GROUP)  # group privacy: 32 rows cost 32 times this, for each of two statistics
    geometric = diffprivlib.mechanisms.Geometric(epsilon=epsilon, sensitivity=1)
    laplace = diffprivlib.mechanisms.Laplace(epsilon=epsilon, sensitivity=float(UPPER))
    values = {cell: own.to_numpy() for cell, own in rows.groupby("cell", observed=True)["value"]}
    cells = {}
    for region, condition in CELLS:
        own = values.get(f"{region}|{condition}", np.empty(0, dtype=np.int64))
        total = float(np.clip(own, LOWER, UPPER).sum())
        cells[region, condition] = (geometric.randomise(len(own)), laplace.randomise(total))
    return cells


answer(job, ["diffprivlib", "pandas"], bound="4 cells x 8 rows a person, by hand")
