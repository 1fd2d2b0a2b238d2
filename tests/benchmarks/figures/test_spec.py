"""Figures as data: to JSON and back, without matplotlib, and drawn wherever one likes."""

import json
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from gradest.benchmarks.drawing.drawing import draw, draw_panel
from gradest.benchmarks.drawing.layout import key, page
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.spec import COLOURS, Entry, FigureSpec, point
from tests.support.made_tables import ELEVEN, SQUARE, table


@pytest.fixture(scope="module")
def specs():
    """All kinds of figures, with values that are zero, unreliable, biased, far off and infinite."""
    k = [(SQUARE[0], SQUARE[1] | {"k": float(value)}) for value in range(1, 10)]
    signal = {"snr": 5.0, "snr_low": 4.0, "snr_high": 6.0, "exact_norm": 4, "exact_variance": 0.5}
    several = table([("gaussian_cosine", {"k": 1.0})], ELEVEN[5:], levels=(1, 4, 16))
    several.loc[0, "status"] = "unreliable"
    several.loc[7, ["variance", "reason"]] = [0.0, "variance zero"]
    several.loc[8, ["bias_relative", "bias_relative_high"]] = [30.0, 40.0]
    several.loc[8, "bias_finding"] = "biased"
    several.loc[9, "variance_high"] = np.inf
    along = table(k, levels=(1,), **signal)
    along[["snr", "snr_low", "snr_high"]] *= np.linspace(1, 3, len(along))[:, None]
    tables = [several, along]
    return {spec.name: spec for spec in figures(pd.concat(tables, ignore_index=True))}


def png(figure, path):
    figure.savefig(path, format="png", metadata={"Software": None})
    return path.read_bytes()


def refuse(word):
    raise AssertionError(f"{word} is no JSON")


def test_a_spec_goes_to_json_and_back_and_is_drawn_the_same(specs, tmp_path):
    assert {name.partition("_gaussian")[0] for name in specs} == {
        "bias",
        "snr_vs_k",
        "variance_vs_k",
        "variance_vs_samples",
    }
    for spec in specs.values():
        text = spec.to_json()
        json.loads(text, parse_constant=refuse)
        read = FigureSpec.from_json(text)
        assert read == spec
        assert read.to_json() == text
        assert png(draw(read), tmp_path / "read") == png(draw(spec), tmp_path / "made")


def test_the_series_have_the_numbers_of_the_table(specs):
    panel = specs["variance_vs_samples_gaussian_cosine"].panels[0]
    assert panel.name == "mean"
    assert (panel.x.scale, panel.x.ticks, panel.y.scale) == ("log", (1.0, 4.0, 16.0), "log")
    series = {each.label: each for each in panel.series}
    assert list(series)[-1] == "straight-through Gumbel"
    delta = series["score function, delta"]
    assert delta.estimator == "score_function"
    assert delta.x == (1.0, 4.0, 16.0)
    assert delta.value == (1.0, 0.25, 0.0625)
    assert delta.low == (0.98, 0.245, 0.06125)
    assert delta.status == ("unreliable", "ok", "ok")


def test_what_is_zero_or_infinite_is_none(specs):
    series = {
        each.label: each for each in specs["variance_vs_samples_gaussian_cosine"].panels[1].series
    }
    assert series["pathwise"].value[0] is None
    assert None in [*series["pathwise"].high]


def test_specs_are_made_without_matplotlib():
    code = "import sys, gradest.benchmarks.figures.figures; assert 'matplotlib' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_panel_is_drawn_into_axes_of_ones_own(specs):
    for name, shows, i in (
        ("variance_vs_samples_gaussian_cosine", "samples L", 1),
        ("bias", "relative bias", 0),
    ):
        spec = specs[name]
        figure, (ours, others) = plt.subplots(1, 2)
        draw_panel(spec.panels[i], ours)
        assert ours.get_xlabel() == shows
        assert ours.get_title(loc="left") == spec.panels[i].title
        whole = draw(spec).axes[i]
        assert len(ours.lines) == len(whole.lines) > 0
        for one, other in zip(ours.lines, whole.lines, strict=True):
            np.testing.assert_array_equal(one.get_xydata(), other.get_xydata())
        assert not others.lines
        plt.close(figure)


def test_a_key_takes_as_much_of_the_page_as_it_needs():
    entries = [Entry(point("o", color), f"an estimator in {color}") for color in COLOURS]
    sizes = []
    for groups, notes in (([], []), ([entries[:1]], []), ([entries], ["A note."])):
        figure, (axes,) = page("Title", ["panel"], ("x", "y"), columns=1)
        key(figure, groups, notes)
        height = axes.get_position().height * figure.get_figheight()
        assert height == pytest.approx(1.75)
        sizes.append(figure.get_figheight())
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3
