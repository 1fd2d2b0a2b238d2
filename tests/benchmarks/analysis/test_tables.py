"""Damaged CSV files: none gives another report without a word, and none a traceback."""

import json
import shutil

import numpy as np
import pytest

from gradest.benchmarks.analysis.tables import completed
from gradest.benchmarks.analysis.verification import verified_run
from gradest.benchmarks.comparisons.metrics import METRICS
from gradest.benchmarks.comparisons.ratios import compare_runs
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.report.report import texts_of
from gradest.benchmarks.report.summary import Findings
from gradest.problems import PROBLEMS
from gradest.problems.registry.instances import Choice
from tests.support.folders import damages, edited, without_a_line
from tests.support.made_runs import (
    BATCHES,
    LEAVE_ONE_OUT,
    PATHWISE,
    PLAIN,
    cell,
    errors,
    jackknifed,
    write,
)

TABLES = ("measurements.csv", "leave_one_out.csv")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    rng = np.random.default_rng(0)
    cells = [
        cell(jackknifed((i + 1) / n, errors(rng, 0.02)), estimator, samples=n, theta="abc")
        for i, estimator in enumerate((PLAIN, LEAVE_ONE_OUT, PATHWISE))
        for n in (1, 4, 16)
    ]
    return write(tmp_path_factory.mktemp("made") / "run", cells)


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def use(run):
    """Does with a run what reports and comparisons do, but for the drawing itself."""
    assert list(figures(run.measurements))
    assert texts_of(Findings(run))
    compare_runs(run, run, [*METRICS])


@pytest.mark.parametrize("name", TABLES)
def test_no_damaged_table_is_used_without_a_word(folder, name):
    right = (folder / name).read_bytes()
    damaged = [content for content in damages(right, 200) if content != right]
    assert len(damaged) > 150
    for content in damaged:
        (folder / name).write_bytes(content)
        with pytest.raises(BadInput, match=f"{name} was changed after it was written"):
            verified_run(folder)


@pytest.mark.parametrize(("name", "count"), [(TABLES[0], 24), (TABLES[1], 12)])
def test_taken_unverified_it_is_an_error_that_names_it_or_is_used_with_a_word(folder, name, count):
    right = (folder / name).read_bytes()
    refusals = []
    for content in damages(right, count, seed=1):
        (folder / name).write_bytes(content)
        try:
            run = verified_run(folder, unverified=True)
            use(run)
        except BadInput as error:
            refusals.append(str(error))
        else:
            assert run.changed or content == right
    assert len(refusals) > count / 2
    assert all(".csv: " in text and "\n" not in text for text in refusals)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",ok,", ",okay,", r"line 2, column status: 'okay': expected one of ok, unreliable"),
        (",float32,", ",float16,", r"column dtype: 'float16': expected one of float32, float64"),
        (",20000,", ",20000x,", r"column replicates: '20000x': expected a whole number of at"),
        (",20000,", ",,", r"column replicates: '': expected a whole number of at least 1"),
        (",3.0,", ",3.0.1,", r"line 2, column kurtosis: '3\.0\.1': expected a number"),
        (",True,", ",true,", r"column unbiased: 'true': expected one of True, False"),
        ("init", "", r"line 2, column point: '': expected a text"),
        (',"{', ',"[', r"column problem_args: .* expected arguments as a JSON object"),
        ("variance_low", "variance", "missing: variance_low"),
        ("1e-06", "-1e-06", r"column seconds: '-1e-06': expected a number above 0"),
        ("1e-06", "٣", r"column seconds: '٣': expected a number above 0"),
        ("init,", "init,,", r"line 2: expected \d+ values; got \d+"),
    ],
)
def test_line_column_and_what_was_expected_are_named(folder, old, new, said):
    text = (folder / "measurements.csv").read_text()
    head, rest = text.split("\n", 1)
    if old in head:
        edited(folder / "measurements.csv", old, new)
    else:
        (folder / "measurements.csv").write_text(head + "\n" + rest.replace(old, new, 1))
    (folder / "manifest.json").unlink()
    with pytest.raises(BadInput, match=said) as caught:
        verified_run(folder)
    assert str(caught.value).startswith(f"{folder / 'measurements.csv'}: ")


def test_a_row_twice_a_wrong_encoding_and_a_cut_are_named(folder):
    path = folder / "measurements.csv"
    right = path.read_bytes()
    lines = right.splitlines(keepends=True)
    for content, said in (
        (right + lines[-1], r"line 11: cell .* group mean: is there twice; expected it once"),
        (right + lines[-1].replace(b"gauss", b"other", 1), r"line 11: problem gaussian_square"),
        (right.replace(b"init", b"\xff\xfe", 1), r"line 2: expected text in UTF-8"),
        (right[:-1], r"expected an end of line behind the last value: it was cut short"),
        (right.replace(b'""', b'"', 1), r"line 2: expected CSV"),
        (b"", r"missing: cell, problem"),
    ):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=said):
            verified_run(folder, unverified=True)


def test_leave_one_out_without_a_batch_is_named(folder):
    path = folder / "leave_one_out.csv"
    path.write_text(without_a_line(path.read_text(), 3))
    said = rf"leave_one_out\.csv: cell gauss.*: expected a row for each of the {BATCHES} batches"
    with pytest.raises(BadInput, match=said):
        verified_run(folder, unverified=True)


def test_an_infinite_interval_is_drawn(folder):
    """It was an internal error of the summary."""
    path = folder / "measurements.csv"
    lines = path.read_text().splitlines()
    names, values = lines[0].split(","), lines[1].split(",")
    values[names.index("variance_high") - len(names)] = "inf"  # texts before it have commas
    path.write_text("\n".join([lines[0], ",".join(values), *lines[2:]]) + "\n")
    run = verified_run(folder, unverified=True)
    use(run)
    assert "± ∞ %" in texts_of(Findings(run))["summary.md"]


def test_arguments_that_came_later_are_at_their_defaults():
    """As a run of now writes them, whatever the table lacks of them."""
    now = Choice.of(PROBLEMS, "vae_bernoulli", {"latent_dim": 4, "prior": "learned"})
    then = json.dumps({key: value for key, value in now.arguments if key != "slope"})
    assert completed(PROBLEMS, "vae_bernoulli", then) == now.json
    assert completed(PROBLEMS, "gaussian_square", '{"k": 3}') == '{"k": 3}'
    assert completed(PROBLEMS, "mine:Vae", '{"k": 3}') == '{"k": 3}'
