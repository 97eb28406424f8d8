"""Tumult Analytics on a local Spark: at most 32 rows a person, Laplace, the public cells as keys."""
import os, sys, tempfile

SCRATCH = tempfile.mkdtemp(prefix="spark-", dir=os.path.dirname(os.path.abspath(sys.argv[2])))
os.environ.update(PYARROW_IGNORE_TIMEZONE="1", PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
from pyspark.sql import SparkSession, functions as F
from rival import CELLS, EPSILON, FILE, LOWER, ROWS, UPPER, answer
from tmlt.analytics import AddRowsWithID, KeySet, MaxRowsPerID, PureDPBudget, QueryBuilder, Session

opens = "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED"
settings = {
    "spark.driver.memory": "8g", "spark.sql.shuffle.partitions": "8", "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.enabled": "false", "spark.local.dir": SCRATCH, "spark.sql.warehouse.dir": f"{SCRATCH}/warehouse", "spark.driver.extraJavaOptions": opens,
}
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def job():
    rows = spark.read.parquet(FILE).select(
        F.col("person_id").cast("bigint").alias("person_id"),
        F.concat_ws("|", "region", "condition").alias("cell"),
        F.col("value").cast("bigint").alias("value"),
    )
    keys = KeySet.from_dict({"cell": ["|".join(cell) for cell in CELLS]})
    session = Session.from_dataframe(PureDPBudget(EPSILON), "t", rows, protected_change=AddRowsWithID("person_id"))
    query = QueryBuilder("t").enforce(MaxRowsPerID(ROWS)).groupby(keys)
    counts = session.evaluate(query.count(name="n"), PureDPBudget(EPSILON / 2)).toPandas()
    sums = session.evaluate(query.sum("value", LOWER, UPPER, name="s"), PureDPBudget(EPSILON / 2)).toPandas()
    joined = counts.merge(sums, on="cell")
    return {tuple(cell.split("|")): (count, total) for cell, count, total in joined[["cell", "n", "s"]].itertuples(index=False)}


answer(job, ["tmlt.analytics", "pyspark"], bound="32 rows a person")
spark.stop()
