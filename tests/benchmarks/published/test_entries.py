"""What a sweep says of a paper is checked as strictly as all of it."""

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.published.entries import numbers_of
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.papers import PAPER


def test_a_series_is_a_number_for_each_value():
    sweep = parse_sweep(PAPER, "here")
    numbers = list(numbers_of(sweep.published))
    assert [(each.num_samples, each.value) for each in numbers] == [
        (2, 2.5e-5),
        (4, 9.0e-5),
        (None, 0.003),
    ]
    assert numbers[0].text == "bernoulli_square[t=0.49,logit=0] rloo L=2"


FAULTS = {
    'metric = "std_mean"': ('metric = "std_meen"', r"published\[1\].metric.*did you mean std_mean"),
    'how = "raster"': ('how = "rastre"', r"published\[1\].how.*did you mean raster"),
    "draws = 1000\nsource": ("drawn = 1000\nsource", r"unknown key 'published\[0\].drawn'"),
    "relative_error = 0.05\n": ("", r"how = 'raster': expected its relative_error"),
    'over = "num_samples"': ('over = "num_sample"', "expected num_samples.*did you mean num_sam"),
    "value = 0.003": ("value = 0.003\nvalues = { 1 = 2.0 }", "expected value, or over and values"),
    "value = 0.003\n": ("value = -0.003\n", "metric std_mean: expected numbers above 0"),
    'note = "they call another function"\n': ("", "not_counted = 'bug': expected a note with it"),
    'not_counted = "bug"': ('not_counted = "bugs"', r"not_counted.*did you mean bug\?"),
    'value = 0.003\n"'[:-1]: ("coordinate = 0\nvalue = 0.003\n", "coordinate with metric std_mean"),
    "draws = 1000\nsource = ": ("draws = 1\nsource = ", r"published\[0\].draws = 1"),
}


@pytest.mark.parametrize("piece", FAULTS)
def test_what_cannot_be_is_one_error_that_says_so(piece):
    changed, message = FAULTS[piece]
    assert piece in PAPER
    with pytest.raises(BadInput, match=message):
        parse_sweep(PAPER.replace(piece, changed), "here")


OF_CELLS = {
    'estimator = "rloo"': ('estimator = "arms"', "'arms': the sweep has no such cell: the nearest"),
    "logit=0]": ("logit=0.5]", r"the nearest is bernoulli_square\[logit=.*t=0.49\]"),
    "4 = 9.0e-5": ("8 = 9.0e-5", "num_samples = 8 of rloo: expected one of 2, 4"),
    'estimator = "arm" }': (
        'estimator = "arm", num_samples = 4 }',
        "= 4 of arm: expected one of 2",
    ),
    'group = "logits"\nmetric = "variance"': (
        'group = "logit"\nmetric = "variance"',
        "group = 'logit': expected one of logits, all of θ; did you mean logits",
    ),
    "[t=0.49,logit=0]": ("[tt=0.49,logit=0]", r"unknown argument 'tt'.*did you mean t"),
    "2 = 2.5e-5": ("two = 2.5e-5", "'two': expected a number"),
    'over = "num_samples"': ('over = "problem.logit"', "expected no logit in cell"),
    'estimator = "arm" ': ('estimator = "armm" ', "did you mean arm"),
}


@pytest.mark.parametrize("piece", OF_CELLS)
def test_a_cell_that_the_sweep_does_not_have_is_an_error_that_names_the_nearest(piece):
    changed, message = OF_CELLS[piece]
    assert piece in PAPER
    with pytest.raises(BadInput, match=message):
        resolve(parse_sweep(PAPER.replace(piece, changed), "here"))


def test_a_cell_that_is_skipped_is_an_error():
    text = PAPER.replace("samples = [2, 4]", "samples = [1, 2, 4]").replace("4 = 9.0e-5", "1 = 9.0")
    with pytest.raises(BadInput, match=r"cannot be measured: .*expected at least 2"):
        resolve(parse_sweep(text, "here"))
