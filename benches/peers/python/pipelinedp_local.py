"""PipelineDP on its local backend: at most 32 rows a person, Laplace, the public cells as partitions."""
import pipeline_dp, pyarrow.parquet as pq
from rival import CELLS, COLUMNS, EPSILON, FILE, LOWER, ROWS, UPPER, answer


def job():
    table = pq.read_table(FILE, columns=COLUMNS)
    rows = list(zip(*(table[column].to_pylist() for column in COLUMNS)))
    del table
    accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=EPSILON, total_delta=0)
    engine = pipeline_dp.DPEngine(accountant, pipeline_dp.LocalBackend())
    parameters = pipeline_dp.AggregateParams(
        noise_kind=pipeline_dp.NoiseKind.LAPLACE,
        metrics=[pipeline_dp.Metrics.COUNT, pipeline_dp.Metrics.SUM],
        max_contributions=ROWS,
        min_value=LOWER,
        max_value=UPPER,
    )
    extractors = pipeline_dp.DataExtractors(
        partition_extractor=lambda row: (row[1], row[2]), privacy_id_extractor=lambda row: row[0], value_extractor=lambda row: row[3]
    )
    result = engine.aggregate(rows, parameters, extractors, public_partitions=CELLS)
    accountant.compute_budgets()
    return {cell: (figures.count, figures.sum) for cell, figures in result}


answer(job, ["pipeline-dp"], bound="32 rows a person")
