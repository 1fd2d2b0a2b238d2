"""The page as a file: complete, small, the same each time, and closed to what names hold."""

import base64
import json
import math
import re
import tomllib
from hashlib import sha256

import numpy as np
import pytest

from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE, read_run
from gradest.benchmarks.comparisons.budgets import COSTS
from gradest.benchmarks.comparisons.leaderboard import is_biased, levels_of, relative_error
from gradest.benchmarks.comparisons.metrics import METRICS
from gradest.benchmarks.comparisons.pairing import same_draws
from gradest.benchmarks.comparisons.ratios import ratio_of
from gradest.benchmarks.page.contents import contents, priced
from gradest.benchmarks.page.curves import specs
from gradest.benchmarks.page.page import VENDORED, as_json
from gradest.benchmarks.page.recipes import command, sweep_of
from gradest.benchmarks.page.swept import sweeps
from gradest.benchmarks.report.report import page_of
from gradest.benchmarks.report.summary import Findings
from gradest.benchmarks.sweeps.schema import Sweep
from tests.support.house import ROOT

VENDOR = ROOT / "benchmarks" / "page" / "vendor"


@pytest.fixture(scope="module")
def small_run(default_run):
    table = default_run.measurements
    return default_run._replace(
        measurements=table[table.problem.isin(["bernoulli_square", "gaussian_square"])]
    )


@pytest.fixture(scope="module")
def default_contents(default_page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', default_page)
    return json.loads(text)


def test_the_same_bytes_each_time_and_less_than_two_megabytes(small_run, default_page):
    assert page_of(Findings(small_run)) == page_of(Findings(small_run))
    assert len(default_page.encode()) < 2_000_000


def test_the_policy_forbids_the_network_and_allows_these_scripts_alone(default_page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', default_page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", default_page, flags=re.S)
    digests = [base64.b64encode(sha256(text.encode()).digest()).decode() for text in scripts]
    assert re.findall(r"'sha256-([^']*)'", policy) == digests
    assert len(digests) == len(VENDORED) + 1
    assert not re.search(
        r"<(link|img|iframe)|\ssrc=|sourceMappingURL|@import|url\(", default_page[:9000]
    )
    assert "{{" not in default_page[:9000]


def test_what_is_vendored_is_named_with_its_version_and_licence():
    notice = (VENDOR / "NOTICE").read_text(encoding="utf-8")
    assert "University of Washington" in (VENDOR / "LICENSE").read_text(encoding="utf-8")
    for name in VENDORED:
        (version,) = re.findall(rf"{re.escape(name)} +\S+ ([\d.]+)", notice)
        text = (VENDOR / name).read_text(encoding="utf-8")
        assert f'"{version}"' in text
        assert "</script" not in text.lower()
        assert "<!--" not in text
    assert {path.name for path in VENDOR.iterdir()} == {*VENDORED, "NOTICE", "LICENSE"}


def test_its_rows_are_the_frames(default_run, default_contents):
    rows = priced(levels_of(default_run.measurements)).rows
    columns = default_contents["rows"]
    assert {len(column) for column in columns.values()} == {len(rows)}
    places = [*dict.fromkeys(rows[PLACE].itertuples(index=False, name=None))]
    estimators = [*dict.fromkeys(rows[ESTIMATOR].itertuples(index=False, name=None))]
    biased = [*is_biased(rows)]
    for number, row in enumerate(rows.itertuples()):
        assert places[columns["place"][number]] == tuple(getattr(row, key) for key in PLACE)
        assert estimators[columns["estimator"][number]] == (row.estimator, row.estimator_args)
        assert columns["samples"][number] == row.num_samples
        expected = None if math.isnan(row.measured_samples) else row.measured_samples
        assert columns["measured"][number] == expected
        assert columns["evaluations"][number] == row.f_evals + row.grad_evals
        assert columns["batched"][number] == pytest.approx(row.seconds, rel=1e-4)
        assert columns["biased"][number] == biased[number]
        pairs = [(columns["variance"][number], row.variance), (columns["snr"][number], row.snr)]
        pairs += [(columns["bias_high"][number], row.bias_relative_high)]
        pairs += zip(
            (columns[f"error{end}"][number] for end in ("", "_low", "_high")),
            relative_error(row),
            strict=True,
        )
        for shown, number_of_row in pairs:
            known = math.isfinite(number_of_row)
            assert shown == (pytest.approx(number_of_row, rel=1e-4) if known else None)


def test_its_ratios_are_those_of_compare(default_run, default_contents):
    rows = [*priced(levels_of(default_run.measurements)).rows.itertuples()]
    ratios = default_contents["ratios"]
    chosen = range(0, len(ratios["row"]), 97)
    assert len(chosen) > 10
    for index in chosen:
        row, over = rows[ratios["row"][index]], rows[ratios["over"][index]]
        expected = ratio_of(METRICS["mse"], over, row, same_draws(over, row))
        errors = default_contents["rows"]["error"]
        ratio = errors[ratios["row"][index]] / errors[ratios["over"][index]]
        shown = [each**2 for each in (ratio, ratios["low"][index], ratios["high"][index])]
        assert shown == pytest.approx(expected.interval, rel=1e-3)


def test_its_units_are_those_that_the_run_has(small_run, timed_run):
    untimed = small_run._replace(measurements=small_run.measurements.assign(seconds_alone=np.nan))
    units = [
        [each["name"] for each in contents(run, [], levels_of(run.measurements))["costs"]]
        for run in (untimed, timed_run)
    ]
    assert units == [["evaluations", "batched"], ["evaluations", "alone", "batched"]]


def test_a_size_of_minibatches_is_no_other_run(default_run):
    changed = json.loads(json.dumps(default_run.manifest))
    changed["sweep"]["problem"][0]["minibatch_size"] = 2
    assert command(default_run._replace(manifest=changed)) == "gradest run default"
    changed["sweep"]["problem"][0]["replicates"] = 2000
    assert command(default_run._replace(manifest=changed)) == "gradest run default.toml"


def test_every_row_has_a_word_where_it_was_not_measured(default_run, default_contents):
    skipped = default_run.measurements[default_run.measurements.status == "skipped"]
    reasons = {reason for _, _, reason in default_contents["refusals"]}
    assert reasons == {f"skipped: {reason}" for reason in skipped.reason}


def test_the_sweep_it_copies_is_the_runs(default_run, default_contents):
    again = Sweep.model_validate(tomllib.loads(default_contents["sweep"]))
    assert again == Sweep.model_validate(sweep_of(default_run))
    assert default_contents["command"] == "gradest run default"


def test_a_folder_without_its_batches_or_its_manifest_says_so(tmp_path):
    folder = ROOT / "results" / "reference"
    lines = (folder / "measurements.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "measurements.csv").write_text("".join(lines[:20]), encoding="utf-8")
    run = read_run(tmp_path)
    page = contents(run, [], levels_of(run.measurements))
    assert [line.split()[0] for line in page["lacks"]] == ["manifest.json", "leave_one_out.csv"]
    assert page["command"] == ""
    assert page["name"] == tmp_path.name
    assert page["header"].startswith("schema = 1\nseed = 0\n")


def test_names_are_texts_whatever_they_hold():
    text = as_json({"name": "</script><script>alert(1)</script><!-- &\u2028"})
    assert not re.search("[<>&\u2028]", text)
    assert json.loads(text)["name"].startswith("</script>")


def test_charts_are_named_by_what_they_show():
    made = specs()
    assert set(made["curves"]) == {"variance", "error", "bias", "snr"}
    for curves in made["curves"].values():
        assert set(curves) == {"samples", *COSTS, "swept", "swept_far"}
        for x, spec in curves.items():
            assert spec["data"]["values"] == []
            assert bool(spec["encoding"]["x"]["title"]) == (not x.startswith("swept"))
    assert (
        made["curves"]["bias"]["samples"]["layer"][0]["encoding"]["y"]["scale"]["type"] == "linear"
    )


def test_a_swept_arguments_axis_is_that_of_figures():
    def axis_of_values(values):
        (sweep,) = sweeps([(json.dumps({"k": value}), ("x",)) for value in values])
        return sweep["axis"]

    assert axis_of_values([0.05, 0.5, 2.0]) == "swept_far"
    assert axis_of_values([1.0, 2.0, 3.0]) == "swept"
    assert axis_of_values([-3.0, 0.0, 100.0]) == "swept"
