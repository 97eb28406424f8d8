"""Tumult Analytics on a local Spark, under the table's rho, the public cells as keys."""
import os, sys, tempfile

SCRATCH = tempfile.mkdtemp(prefix="spark-", dir=os.path.dirname(os.path.abspath(sys.argv[2])))
os.environ.update(PYARROW_IGNORE_TIMEZONE="1", PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
from pyspark.sql import SparkSession
from census_rival import answer
from tmlt.analytics import AddRowsWithID, KeySet, MaxGroupsPerID, MaxRowsPerGroupPerID, MaxRowsPerID, QueryBuilder, RhoZCDPBudget, Session

opens = "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/java.nio=ALL-UNNAMED"
settings = {
    "spark.driver.memory": "4g", "spark.sql.shuffle.partitions": "8", "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.enabled": "false", "spark.local.dir": SCRATCH, "spark.sql.warehouse.dir": f"{SCRATCH}/warehouse", "spark.driver.extraJavaOptions": opens,
}
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def count(table, path):
    session = Session.from_dataframe(RhoZCDPBudget(table["rho"]), "t", spark.read.parquet(path), protected_change=AddRowsWithID("person_id"))
    query = QueryBuilder("t")
    if table["is_of_persons"]:
        query = query.enforce(MaxGroupsPerID("cell", table["limit"])).enforce(MaxRowsPerGroupPerID("cell", 1))
    else:
        query = query.enforce(MaxRowsPerID(table["limit"]))
    keys = KeySet.from_dict({"cell": table["cells"]})
    counts = session.evaluate(query.groupby(keys).count(name="n"), RhoZCDPBudget(table["rho"])).toPandas()
    return dict(counts[["cell", "n"]].itertuples(index=False))


answer(count, ["tmlt.analytics", "pyspark"])
spark.stop()
