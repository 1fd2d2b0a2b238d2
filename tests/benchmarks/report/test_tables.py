"""Numbers as they are printed."""

import json
import re

import pandas as pd
import pytest

from gradest.benchmarks.analysis.numerals import percent, show
from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.paper.latex import escape
from gradest.benchmarks.report.macros import letters, numbers
from gradest.benchmarks.report.tables import latex, markdown, tables
from gradest.benchmarks.statistics.intervals import Interval
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.sweeps import GOOD_SWEEP, Quiet


@pytest.fixture(scope="module")
def measurements(tmp_path_factory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("tables")
    run_sweep(resolve(parse_sweep(GOOD_SWEEP, "here")), folder, Quiet())
    return read_run(folder).measurements


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(4.0123, 3.95, 4.08), "4.012 [3.950, 4.080]"),
        (Interval(1234.5, 1100, 1400), "1230 [1100, 1400]"),
        (Interval(-1.0, -1.012, -0.988), "−1.000 [−1.012, −0.988]"),
        (Interval(2.5e8, 2.4e8, 2.6e8), "2.50e+08 [2.40e+08, 2.60e+08]"),
        (Interval(0.0, 0.0, 0.0), "0"),
        (Interval(0.0, -9.5e-7, 9.5e-7), "0 [−9.5e−07, 9.5e−07]"),
    ],
)
def test_two_digits_of_the_half_width(interval, text):
    assert show(interval) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.05, "5 %"),
        (0.0512, "5.1 %"),
        (0.000123, "0.012 %"),
        (0.1, "10 %"),
        (12.34, "1200 %"),
        (0.0, "0 %"),
    ],
)
def test_two_digits_of_a_percentage(fraction, text):
    assert percent(fraction) == text


def test_unbiased_is_said_only_where_equivalence_was_shown(measurements):
    rows = measurements[
        (measurements.problem == "bernoulli_square") & (measurements.status == "ok")
    ].copy()

    def said(**columns):
        found = {row[0]: row[-3] for table in tables(rows.assign(**columns)) for row in table.rows}
        return found["score function"]

    assert said(bias_finding="equivalent") == "unbiased within 5 %"
    none = said(bias_finding="none found", bias_detectable=0.03, exact_norm=0.25)
    assert none == "none found, detectable from 12 %"
    assert "unbiased" not in none
    assert (
        said(bias_finding="none found", exact_norm=0.0, bias_detectable=0.03)
        == "none found, detectable from ‖bias‖ = 0.03"
    )
    relative = {"bias_relative": 0.5, "bias_relative_low": 0.4, "bias_relative_high": 0.6}
    assert said(bias_finding="biased", **relative) == "0.50 [0.40, 0.60]"
    assert said(bias_finding=None) == "–"


def test_a_table_has_a_column_for_what_was_swept_and_a_row_for_each_estimator(measurements):
    found = {table.name: table for table in tables(measurements)}
    assert set(found) == {
        "gaussian_square_init_mean",
        "gaussian_square_init_scale",
        "bernoulli_square_init_logits",
    }
    square = found["gaussian_square_init_mean"]
    assert square.header[:4] == ["k", "estimator", "L = 1", "L = 4"]
    assert [row[0] for row in square.rows] == ["-3.0"] * 3 + ["3.0"] * 3
    assert all(len(row) == len(square.header) for row in square.rows)


def test_markdown_and_latex_have_every_row(measurements):
    for table in tables(measurements):
        assert markdown(table).count("\n|") == len(table.rows) + 2
        text = latex(table)
        assert text.count(r" \\") == len(table.rows) + 1
        columns = re.search(r"tabular}{(\w+)}", text)[1]
        assert all(
            line.count("&") == len(columns) - 1
            for line in text.splitlines()
            if line.endswith(r"\\")
        )
        assert not re.search(r"[^\x00-\x7f]", text), "plain TeX only"


def test_negative_numbers_have_a_minus_sign_and_in_latex_that_of_mathematics(measurements):
    table = next(each for each in tables(measurements) if each.header[0] == "k")
    text = markdown(table)
    assert re.search(r"^\| −3\.0 \| score function \|.* −\d\.\d+ \[−\d\.", text, re.M)
    assert not re.search(r"(?<!\w)-\d|\de-\d", text)
    row = r"^\$-\$3\.0 & score function & .*\$-\$\d\.\d+ \[\$-\$\d\."
    assert re.search(row, latex(table), re.M)


def test_macros_have_names_that_tex_accepts_once_each(measurements):
    names = re.findall(r"\\newcommand{\\(.*?)}", numbers(measurements, []))
    assert len(names) == len(set(names)) > 10
    assert all(re.fullmatch("[A-Za-z]+", name) for name in names)


def test_every_measured_variance_has_its_macro(measurements):
    text = numbers(measurements, [])
    assert text.count("Variance}") == (measurements.status == "ok").sum()
    name = letters("gaussian_square_k_m3p0", "init", "mean", "pathwise", "L4", "variance")
    assert "LFourVariance" in name


def test_escape():
    assert escape("-1.05 [-1.1, -1.0]") == "$-$1.05 [$-$1.1, $-$1.0]"
    assert escape("−1.05 [−1.1, 2.1e−07]") == r"$-$1.05 [$-$1.1, $2.1 \times 10^{-7}$]"
    assert escape("2.1e-07") == r"$2.1 \times 10^{-7}$"
    assert escape("1.5e+08") == r"$1.5 \times 10^{8}$"
    assert escape("f + ∇f") == r"f + $\nabla$f"
    assert escape("‖bias‖, ∂/∂ mean") == r"$\|$bias$\|$, $\partial$/$\partial$ mean"


def test_one_layer_comes_before_several(measurements):
    """Widths are numbers and texts, which do not compare with one another."""
    toy = measurements[measurements.problem == "gaussian_square"]
    swept = {-3.0: '{"k": "512-256"}', 3.0: '{"k": 32}'}
    named = toy.assign(problem_args=[swept[json.loads(args)["k"]] for args in toy.problem_args])
    for table in tables(named):
        values = [row[0] for row in table.rows]
        assert values == sorted(values, key=["32", "512-256"].index)
        assert set(values) == {"32", "512-256"}
