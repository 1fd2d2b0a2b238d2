"""What a paper states without numbers: powers and orders, as they are found in a run."""

import math

import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.analysis.results import read_run
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.figures.spec import DIAGONAL
from gradest.benchmarks.reproductions.curves import paper_figures
from gradest.benchmarks.reproductions.numbers import headlines
from gradest.benchmarks.reproductions.statements import power_between
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.statistical import assert_z
from tests.support.sweeps import Quiet

SWEEP = """
schema = 1
name = "paper1901"
replicates = 4000
samples = [1, 4, 16]

[paper]
reference = "Kool, van Hoof and Welling, 2020"

[[problem]]
name = "gaussian_square"
k = 0.0

[[estimator]]
name = ["pathwise", "score_function"]

[[paper_figure]]
figure = "Signal"
metric = "snr"
x = "num_samples"
x_scale = "log"
y_scale = "log"
group = "mean"
lines = { "path" = "pathwise" }
slopes = { "path" = 0.5 }
note = "They drew it in blue."

[[paper_figure]]
figure = "Noise"
metric = "variance"
x = "num_samples"
group = "mean"
is_rising = true
lines = { "path" = "pathwise", "score" = "score_function" }

[[paper_figure]]
figure = "Noise, turned round"
metric = "variance"
x = "num_samples"
group = "mean"
is_rising = true
lines = { "score" = "score_function", "path" = "pathwise" }
"""
"""The pathwise gradient of E x² is 2 x: its signal is 2 over 2/√L, a power of ½. That of the score
function is x² ε, of variance E ε² (1 + ε)⁴ − 4 = 30, over the other's 4."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    run_sweep(resolve(parse_sweep(SWEEP, "here")), folder, Quiet())
    return read_run(folder)


def test_a_power_and_an_order_are_said_beside_what_was_found(run):
    power, rising, falling = headlines(run)
    assert power.startswith("Signal: path: power 0.5 stated, 0.")
    assert power.endswith("found from 4 to 16")
    assert rising.endswith("times, above 1 at 3 and below 1 at 0 of 3 places")
    least, most = (float(text) for text in rising.split(": ")[2].split(" times")[0].split(" to "))
    assert 6 < least <= most < 9
    assert falling.endswith("times, above 1 at 0 and below 1 at 3 of 3 places")


def test_a_figure_has_the_power_as_a_line_and_in_its_notes(run):
    signal, noise, _ = paper_figures(run)
    (panel,) = signal.panels
    assert (panel.x.scale, panel.y.scale) == ("log", "log")
    (law,) = panel.published
    assert law.style == DIAGONAL
    assert law.value[-1] == panel.series[0].value[-1]
    assert law.value[0] == pytest.approx(law.value[-1] / 4)
    assert any("power 0.5 stated" in note for note in signal.notes)
    assert signal.notes[-1] == "They drew it in blue."
    assert [entry.label for entry in signal.key[0]] == [
        "power 0.5, as the paper has it",
        "exact",
    ]
    assert any("score stated above path" in note for note in noise.notes)
    assert noise.panels[0].published == ()


def test_a_power_is_off_by_its_error():
    """Over repetitions its interval covers the power as often as it says."""
    rng = np.random.default_rng(0)
    x = np.array([54.0, 234.0])
    errors = np.array([0.1, 0.05])
    found = []
    for _ in range(2_000):
        ours = 7 * x**-0.5 * np.exp(errors * rng.normal(size=2))
        reach = np.exp(1.959963984540054 * errors)
        rows = pd.DataFrame(
            {"x": x, "ours": ours, "ours_low": ours / reach, "ours_high": ours * reach}
        )
        found.append(power_between(rows))
    covered = np.mean([each.low < -0.5 < each.high for each in found])
    assert_z((covered - 0.95) / math.sqrt(0.95 * 0.05 / len(found)))


FAULTS = {
    '{ "path" = 0.5 }': ('{ "paths" = 0.5 }', "'paths'.*did you mean path"),
    'x = "num_samples"\nx_scale = "log"\n': ("", "slopes: expected x"),
    'metric = "variance"': ('metric = "std"', "is_rising: expected metric variance"),
    'x_scale = "log"': ('x_scale = "logs"', "x_scale.*did you mean log"),
}


@pytest.mark.parametrize("piece", FAULTS)
def test_what_cannot_be_stated_is_one_error(piece):
    changed, message = FAULTS[piece]
    assert piece in SWEEP
    with pytest.raises(BadInput, match=message):
        parse_sweep(SWEEP.replace(piece, changed, 1), "here")
