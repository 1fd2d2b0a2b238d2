r"""Numbers by their keys: no two alike, all there, and an unknown one is seen."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.paper.keyed import key_of, keyed_numbers, named, numbers_of, setting
from tests.support.made_runs import LEAVE_ONE_OUT, PATHWISE, cell, errors, jackknifed, write
from tests.support.tex import compiled

NOISE = errors(np.random.default_rng(0), 0.02)


@pytest.fixture
def lines(tmp_path):
    cells = [
        cell(jackknifed(2.0 / n, NOISE), estimator, samples=n, snr=0.5, snr_low=0.4, snr_high=0.6)
        for estimator in (PATHWISE, LEAVE_ONE_OUT)
        for n in (1, 4)
    ]
    cells[0] |= {"group": "a/b", "variance": 2.0, "variance_low": 1.9, "variance_high": 2.1}
    error = {"relative_rmse": 0.3, "relative_rmse_low": 0.2, "relative_rmse_high": 0.4}
    cells = [each | error for each in cells]
    return keyed_numbers(read_run(write(tmp_path / "run", cells)).measurements)


def read(lines):
    """The numbers by their keys, as TeX keeps them."""
    values, stem = {}, ""
    for line in lines:
        if found := re.fullmatch(r"\\gradestat{(.*)}", line):
            stem = found[1]
        if found := re.fullmatch(r"\\gradestset{(\w+)}{(.*?)}{(.*)}", line):
            key = f"{stem}/{found[1]}"
            assert key not in values
            values[key] = found[2]
            if found[3]:
                values[f"{key}/interval"] = found[3]
    return values


def test_every_number_has_its_key(lines):
    values = read(lines)
    assert values["gaussian_square/a.b/pathwise/1/variance"] == "2.00"
    assert values["gaussian_square/a.b/pathwise/1/variance/interval"] == "[1.90, 2.10]"
    assert values["gaussian_square/mean/score_function[baseline=leave_one_out]/4/snr"] == "0.50"
    assert "gaussian_square/mean/pathwise/4/relative_rmse" in values
    assert "gaussian_square/mean/score_function[baseline=leave_one_out]/slope" in values


def test_what_is_not_a_number_has_no_key_and_a_variance_of_zero_is_0():
    row = SimpleNamespace(variance=0.0, reason="", relative_rmse=float("nan"), exact_norm=1.0)
    row.jackknifed = row.jackknifed_bias = None
    row.mse, row.kurtosis, row.bias_norm, row.f_evals, row.grad_evals = np.nan, 3, np.nan, 4, 0
    for name in ("variance", "mse", "bias_squared", "bias_relative", "snr", "cosine", "seconds"):
        for end in ("", "_low", "_high"):
            setattr(row, name + end, 0.0 if name == "variance" else np.nan)
    assert dict(numbers_of(row)) == {"variance": "0", "f_evals": "4", "grad_evals": "0"}


def test_numbers_may_stand_in_mathematics():
    assert setting("x", "-1.5e-07 [-2, -1]") == (
        r"\gradestset{x}{\ensuremath{-1.5 \times 10^{-7}}}{[\ensuremath{-}2, \ensuremath{-}1]}"
    )


@pytest.mark.slow
@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(st.lists(st.text(max_size=8), unique=True, max_size=20))
def test_no_two_keys_are_alike_and_tex_takes_them(texts):
    names = named(texts, texts)
    assert len(set(names.values())) == len(texts)
    assert all(re.fullmatch(r"[A-Za-z0-9_.+=,\[\]-]*", name) for name in names.values())


def test_keys_can_be_read():
    assert key_of("vae[num_images=8]") == "vae[num_images=8]"
    assert key_of("µ") == key_of("μ") == "mu"
    assert named(["a/b", "a:b"], ["a/b", "a:b"]) == {"a/b": "a.b", "a:b": "a.b_2"}


def test_tex_prints_them_and_warns_of_an_unknown_one(lines, tmp_path):
    known = r"\gradest{gaussian_square/a.b/pathwise/1/variance}"
    body = rf"\section{{{known}}} $x = {known}$ \begin{{tabular}}{{l}}{known}\\\end{{tabular}}"
    log = compiled(tmp_path, body, "\n".join(lines))
    assert "Warning: no number" not in log
    log = compiled(tmp_path, body + r" \gradest{no_such/key}", "\n".join(lines))
    assert "Warning: no number has the key no_such/key" in log
