"""The census's tables of counts as flat rows (person, cell), with their exact counts.

usage: census_rows.py DATA_FOLDER OUT_FOLDER CENSUS_TOML
Rivals know no value sets, no bands of age and no places: they are handed rows whose cells are settled. The synthetic
population names no organisation for a person; here it becomes that of her first encounter, in the canonical table too."""
import json, os, sys, tomllib

import polars as pl, pyarrow as pa, pyarrow.parquet as pq

data, out, census = sys.argv[1:4]
FIRST, LAST = pl.date(2020, 1, 1), pl.date(2025, 1, 1)
workload = tomllib.load(open(census, "rb"))
dimensions, sets = workload["dimensions"], workload["value_sets"]


def read(table, *columns):
    arrow = pq.read_table(f"{data}/{table}/part-0.parquet", columns=list(columns))
    texts = [arrow[name].cast(pa.string()) if pa.types.is_dictionary(arrow[name].type) else arrow[name] for name in columns]
    return pl.from_arrow(pa.table(texts, names=list(columns))).with_columns(pl.col("^person_id$").cast(pl.Int64))


def name_organisations(persons, encounters):
    """Writes the organisation of each person's first encounter into the canonical table."""
    path = f"{data}/person/part-0.parquet"
    first = encounters.sort("start_date", maintain_order=True).group_by("person_id", maintain_order=True).first()
    named = persons.select("person_id").join(first.select("person_id", "organisation_id"), on="person_id", how="left", maintain_order="left")
    table = pq.read_table(path)
    position = table.schema.get_field_index("organisation_id")
    words = named["organisation_id"].to_arrow().cast(pa.string()).dictionary_encode()
    table = table.set_column(position, table.schema.field(position), words.cast(table.schema.field(position).type))
    pq.write_table(table, path + ".new", compression="zstd", row_group_size=1 << 18)
    os.replace(path + ".new", path)
    return named


def bands(name, birth_year):
    lower = dimensions[name]["age_bands"]
    labels = [f"{start}-{end - 1}" for start, end in zip(lower, lower[1:])] + [f"{lower[-1]}+"]
    age = AGE_YEAR - birth_year
    label = pl.lit(labels[0])
    for start, text in zip(lower[1:], labels[1:]):
        label = pl.when(age >= start).then(pl.lit(text)).otherwise(label)
    return pl.when(birth_year.is_null()).then(pl.lit("unknown")).otherwise(label)


def words(name, column):
    return pl.when(pl.col(column).is_in(dimensions[name]["values"])).then(pl.col(column)).otherwise(pl.lit("other"))


def in_sets(name):
    label = pl.lit("other")
    for one in reversed(dimensions[name]["value_sets"]):
        holds = pl.lit(False)
        for system, codes in sets[one]["codes"].items():
            own = [code for code in codes if not code.endswith("*")]
            match = pl.col("code").is_in(own)
            for prefix in (code[:-1] for code in codes if code.endswith("*")):
                match = match | pl.col("code").str.starts_with(prefix)
            holds = holds | ((pl.col("code_system") == system) & match)
        label = pl.when(holds).then(pl.lit(one)).otherwise(label)
    return label


AGE_YEAR = int(os.environ.get("CENSUS_AGE_YEAR", "2024"))
places = read("organisation", "organisation_id", "region").with_columns(pl.col("region").fill_null("unknown"))
persons = read("person", "person_id", "birth_year", "sex", "race")
encounters = read("encounter", "person_id", "organisation_id", "class", "start_date").filter(pl.col("start_date").is_between(FIRST, LAST, closed="left"))
conditions = read("condition", "person_id", "organisation_id", "code_system", "code", "start_date").filter(pl.col("start_date").is_between(FIRST, LAST, closed="left"))
home = name_organisations(persons, encounters)
persons = persons.with_columns(home["organisation_id"])


def placed(frame):
    known = frame.join(places, on="organisation_id", how="left", maintain_order="left")
    unknown = known["region"].is_null()
    return known.with_columns(
        pl.when(unknown).then(pl.lit("unknown")).otherwise(pl.col("organisation_id")).alias("organisation"), pl.col("region").fill_null("unknown")
    )


about = persons.with_columns(wide=bands("wide_age_band", pl.col("birth_year")), band=bands("age_band", pl.col("birth_year")), s=words("sex", "sex"), r=words("race", "race"))
placed_conditions = placed(conditions).with_columns(c=in_sets("condition"))
tables = {
    "population": (placed(about), ["region", "organisation", "band", "s"], True),
    "population-by-race": (placed(about), ["region", "r", "s"], True),
    "conditions": (placed_conditions, ["region", "organisation", "c"], True),
    "conditions-by-age": (placed_conditions.join(about.select("person_id", "wide", "s"), on="person_id"), ["c", "wide", "s"], True),
    "encounters": (placed(encounters).with_columns(k=words("class", "class")), ["region", "organisation", "k"], False),
}
os.makedirs(out, exist_ok=True)
exact = {}
for name, (frame, labels, is_of_persons) in tables.items():
    rows = frame.select("person_id", pl.concat_str(labels, separator="|").alias("cell"))
    rows = rows.unique() if is_of_persons else rows
    rows.write_parquet(f"{out}/{name}.parquet")
    exact[name] = dict(rows.group_by("cell").len().iter_rows())
json.dump(exact, open(f"{out}/exact.json", "w"))
