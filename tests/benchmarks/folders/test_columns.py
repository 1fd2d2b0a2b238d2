"""The columns: their page is up to date, and what is written is read back as it was."""

import dataclasses
import json

import pandas as pd
import pytest

from gradest.benchmarks.analysis.tables import read_table
from gradest.benchmarks.folders.columns import (
    ADDED,
    COLUMNS,
    LEFT_OUT_COLUMNS,
    WHOLE,
    LeftOutRow,
    Row,
    dtypes_of,
)
from gradest.benchmarks.folders.columns_page import main, page
from gradest.benchmarks.folders.published_columns import PublishedRow
from gradest.benchmarks.folders.training_columns import TrainingRow, TrajectoryRow
from gradest.benchmarks.sweeps.output import leave_one_out, measurements
from gradest.benchmarks.sweeps.run import measure_plan
from gradest.benchmarks.sweeps.store import read_outcomes
from tests.support.folders import read_left_out, read_measurements
from tests.support.house import ROOT
from tests.support.sweeps import Quiet

TIMED = [column for column in COLUMNS if "seconds" in column or "work" in column]
PAGE = ROOT / "docs" / "columns.md"


def test_the_page_is_that_of_the_columns():
    """`make columns` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
    before = PAGE.stat().st_mtime_ns
    main()
    assert PAGE.read_text(encoding="utf-8") == page()
    assert PAGE.stat().st_mtime_ns >= before


COLUMNS_THEN = """
cell problem problem_args problem_revision estimator estimator_args point theta group dim
num_samples replicates batches seed dtype status reason mean_norm variance variance_low
variance_high variance_per_dim variance_max variance_max_low variance_max_high exact_variance
kurtosis tail_index tail_index_low tail_index_high snr snr_low snr_high unbiased exact truth
exact_norm bias_norm bias_squared bias_squared_low bias_squared_high bias_relative
bias_relative_low bias_relative_high cosine cosine_low cosine_high bias_p bias_q bias_detectable
equivalence_margin equivalence_p bias_finding f_evals grad_evals adapt_steps adapt_f_evals
adapt_grad_evals seconds seconds_low seconds_high timing_processes compile_seconds
work_normalised_variance work_normalised_variance_low work_normalised_variance_high
"""
"""Of measurements.csv in version 0.3."""


@pytest.mark.parametrize("row", [Row, LeftOutRow, TrainingRow, TrajectoryRow, PublishedRow])
def test_every_column_says_what_it_is(row):
    for field in dataclasses.fields(row):
        meaning = field.metadata["meaning"]
        assert len(meaning.split()) > 1, field.name
        assert "|" not in meaning
        assert f"| `{field.name}` |" in page()


def test_the_columns_are_those_of_version_0_3():
    """A file of then is read now, and what reads our files goes on to."""
    then = COLUMNS_THEN.split()
    assert [name for name in COLUMNS if name not in ADDED] == then
    assert LEFT_OUT_COLUMNS == ("cell", "group", "batch", "variance", "squared_bias")
    assert WHOLE == (
        "dim",
        "batches",
        "minibatch",
        "minibatch_size",
        "f_evals",
        "grad_evals",
        "adapt_steps",
        "adapt_f_evals",
        "adapt_grad_evals",
        "timing_processes",
    )


def test_a_file_of_version_0_3_is_read(finished, tmp_path):
    """Vouched for or not; what it lacks is empty."""
    table = pd.read_csv(finished[0] / "measurements.csv", dtype=str, keep_default_na=False)
    content = table[COLUMNS_THEN.split()].to_csv(index=False).encode()
    for vouched in (False, True):
        read = read_table(tmp_path / "measurements.csv", content, Row, vouched=vouched)
        assert read[[name for name in ADDED if name in COLUMNS]].isna().all(axis=None)
        assert len(read) == len(table)


def test_what_is_measured_without_a_folder_is_what_a_run_writes(plan, finished):
    """To the last digit, but for the times."""
    folder, _ = finished
    outcomes = measure_plan(plan, Quiet())
    table = measurements(plan, outcomes)
    assert tuple(table.columns) == COLUMNS
    ours = table.drop(columns=TIMED).to_csv(index=False)
    theirs = pd.read_csv(folder / "measurements.csv", dtype=str, keep_default_na=False)
    assert ours == theirs.drop(columns=TIMED).to_csv(index=False)
    without = leave_one_out(table, outcomes).to_csv(index=False, float_format="%.10g")
    assert without == (folder / "leave_one_out.csv").read_text()


def test_a_table_is_read_as_it_was_made(plan, finished):
    folder, _ = finished
    made = measurements(plan, read_outcomes(folder))
    read = read_measurements(folder)
    types = dtypes_of(Row)
    assert {name: str(dtype) for name, dtype in read.dtypes.items() if name in types} == types
    for column in WHOLE:
        assert made[column].tolist() == read[column].tolist()
    left_out = read_left_out(folder)
    assert str(left_out.dtypes["batch"]) == "int64"
    assert set(types) == {*COLUMNS} - {"unbiased", "exact"}


def test_an_id_of_digits_alone_is_a_text(plan, finished, tmp_path):
    """Or one with an e in it, which is no number either."""
    table = pd.read_csv(finished[0] / "measurements.csv", dtype=str, keep_default_na=False)
    table["cell"] = "000123456" + table.index.astype(str).str.zfill(3)
    table.to_csv(tmp_path / "measurements.csv", index=False)
    assert read_measurements(tmp_path).cell.tolist() == table.cell.tolist()
    table["cell"] = "12345e678" + table.index.astype(str).str.zfill(3)
    table.to_csv(tmp_path / "measurements.csv", index=False)
    assert read_measurements(tmp_path).cell.tolist() == table.cell.tolist()


def test_a_row_has_columns_alone():
    with pytest.raises(TypeError, match="varance"):
        Row(**json.loads('{"varance": 1.0}'))
