"""Figures: the same bytes from a table, nothing that overlaps, nothing that was not measured."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from gradest.benchmarks.analysis.labels import estimator_label, problem_label, slug
from gradest.benchmarks.drawing.drawing import draw as draw_spec
from gradest.benchmarks.drawing.drawing import log_ticks
from gradest.benchmarks.drawing.saving import saving
from gradest.benchmarks.drawing.styles import in_style, plot_keywords
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.spec import STAR
from tests.support.made_tables import ELEVEN, SQUARE, table


def draw(measurements, name=""):
    """Each figure under its name, drawn, with the texts in it and their boxes."""
    with in_style():
        for spec in figures(measurements):
            if name in spec.name:
                figure = draw_spec(spec)
                canvas = FigureCanvasAgg(figure)
                canvas.draw()
                texts = [
                    (text.get_text(), text.get_window_extent(canvas.get_renderer()))
                    for text in figure.findobj(Text)
                    if text.get_visible() and text.get_text().strip()
                ]
                yield spec.name, figure, texts


def draw_figures(measurements, folder):
    """The files of all of them."""
    with saving(figures(measurements), folder) as paths:
        return paths


def only(measurements, name):
    """The one figure whose name begins so, and its texts."""
    (found,) = [
        (figure, [text for text, _ in texts]) for _, figure, texts in draw(measurements, name)
    ]
    return found


def sweep_of_k(values, **more):
    return table([(SQUARE[0], SQUARE[1] | {"k": k}) for k in values], **more)


def test_the_same_table_gives_the_same_bytes_and_no_dates(tmp_path):
    first, second = (
        draw_figures(table(groups=("mean",), levels=(1, 4)), tmp_path / name)
        for name in ("first", "second")
    )
    assert first == sorted(first)
    assert [path.name for path in first] == [path.name for path in second]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
        assert not re.search(rb"CreationDate|dc:date|Software", one.read_bytes()), one.name


def test_names_of_files_and_those_of_others_stay(tmp_path):
    others = ["diagram.pdf", "diagram.svg", "diagram.png", "notes.txt"]
    for name in others:
        (tmp_path / name).write_text("")
    measurements = sweep_of_k([-2.5, 3.0], groups=("mean",), levels=(1, 4), estimators=ELEVEN[:1])
    draw_figures(measurements, tmp_path)
    kinds = ("bias", "variance_vs_cost", "variance_vs_samples")
    stems = [
        f"{kind}_{name}" for kind in kinds for name in ("gaussian_square", "gaussian_square_k_m2p5")
    ]
    expected = [f"{stem}.{suffix}" for stem in stems for suffix in ("pdf", "svg", "png")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*expected, *others])


@pytest.mark.parametrize(
    "columns", [{}, {"status": "skipped"}, {"status": "failed"}, {"variance": np.nan}]
)
def test_nothing_measured_draws_nothing(tmp_path, columns):
    measurements = table(**columns) if columns else table().iloc[:0]
    assert draw_figures(measurements, tmp_path) == []


def test_a_table_without_what_a_figure_needs_goes_without_that_figure():
    assert [stem for stem, *_ in draw(table(levels=(4,), bias_relative=np.nan))] == []
    assert [stem for stem, *_ in draw(table(levels=(4,)))] == ["bias_gaussian_square"]
    assert [stem for stem, *_ in draw(table(bias_relative=np.nan, seconds=np.nan))] == [
        "variance_vs_samples_gaussian_square"
    ]


@pytest.mark.parametrize(
    ("variance", "reason"),
    [(3e-13, "variance zero to rounding"), (0.0, "variance zero"), (1e-15, None)],
)
def test_a_variance_of_zero_is_named_and_does_not_stretch_the_axis(variance, reason):
    measurements = table()
    rows = measurements.estimator_args == json.dumps(ELEVEN[1][1], sort_keys=True)
    measurements.loc[rows, ["variance", "variance_low", "variance_high"]] = variance
    measurements.loc[rows, "reason"] = reason
    for kind, note in [
        ("samples", "variance zero|zero to rounding"),
        ("cost", "Variance zero.*score function, mean"),
    ]:
        figure, texts = only(measurements, kind)
        assert all(axes.get_ylim()[0] > 0.01 for axes in figure.axes), kind
        assert any(re.fullmatch(f"(?s).*({note}).*", text) for text in texts), kind


def test_slopes_are_in_the_key_and_unreliable_points_hollow_and_not_in_them():
    measurements = table(estimators=ELEVEN[:1], levels=(1, 4, 16, 64), groups=("mean",))
    assert any(text.startswith("−1.00 [−1.0") for text in only(measurements, "samples")[1])
    measurements.loc[3, ["status", "variance"]] = ["unreliable", 1.0]
    figure, texts = only(measurements, "samples")
    assert any(text.startswith("−1.00 [−1.0") for text in texts)
    (hollow,) = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert len(hollow.get_xdata()) == 1


def test_nothing_overlaps_or_leaves_the_page():
    vae = [
        ("vae_bernoulli", {"kl": "analytic", "latent_dim": 3, "train_steps": steps})
        for steps in (0, 1000)
    ]
    measurements = pd.concat(
        [
            table([("gaussian_cosine", {"k": 2.0})], ELEVEN, levels=(1, 4, 16, 64)),
            table(vae, ELEVEN, groups=("encoder", "decoder"), dim=2400),
            table(
                [("bernoulli_square", {"t": 0.49})],
                ELEVEN,
                groups=("logits",),
                bias_finding="biased",
            ),
            sweep_of_k(np.linspace(-3, 2, 9).tolist(), estimators=ELEVEN, levels=(1,)),
        ]
    )
    one = (measurements.problem == "bernoulli_square") & (measurements.estimator == "pathwise")
    biases = ["bias_relative_low", "bias_relative", "bias_relative_high"]
    measurements.loc[one.to_numpy(), biases] = [
        -40.0,
        -30.0,
        -20.0,
    ]  # so that its axis has many powers of ten
    drawn = list(draw(measurements))
    assert len(drawn) == 10
    for stem, figure, texts in drawn:
        for (one, a), (other, b) in itertools.combinations(texts, 2):
            assert not (a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1), (
                stem,
                one,
                other,
            )
        for text, box in texts:
            assert box.x0 >= 0 <= box.y0, (stem, text)
            assert box.x1 <= figure.bbox.x1, (stem, text)
            assert box.y1 <= figure.bbox.y1, (stem, text)


def test_an_argument_of_many_values_is_an_axis_with_the_exact_variance_under_the_points():
    measurements = sweep_of_k(
        list(range(1, 10)), exact_variance=0.5, snr=5.0, snr_low=4.0, snr_high=6.0, exact_norm=4
    )
    drawn = {stem: figure for stem, figure, _ in draw(measurements)}
    assert list(drawn) == [
        f"{column}_vs_k_gaussian_square_L{level}"
        for level in (1, 4, 16)
        for column in ("variance", "snr")
    ]
    signal = drawn["snr_vs_k_gaussian_square_L1"].axes[0]
    assert signal.get_ylabel() == "signal-to-noise ratio of the gradient"
    exact = 4 / np.sqrt(0.5)
    assert (
        sum(np.allclose(line.get_ydata(), exact) for line in signal.lines if len(line.get_ydata()))
        == 3
    )
    axes = drawn["variance_vs_k_gaussian_square_L1"].axes[0]
    assert axes.get_xscale() == "linear"
    assert (
        sum(np.allclose(line.get_ydata(), 0.5) for line in axes.lines if len(line.get_ydata())) == 3
    )
    wide = {
        stem: figure
        for stem, figure, _ in draw(
            sweep_of_k([0.1, 0.5, 1.0, 10.0], groups=("mean",), levels=(1, 4))
        )
    }
    assert wide["variance_vs_k_gaussian_square_L1"].axes[0].get_xscale() == "log"
    assert "variance_vs_samples_gaussian_square_k_0p1" in wide


def test_an_argument_has_a_figure_for_each_level():
    one, other = (
        sweep_of_k(range(9), estimators=[e], levels=(n,))
        for e, n in zip(ELEVEN[:2], (1, 2), strict=True)
    )
    stems = [stem for stem, *_ in draw(pd.concat([one, other]))]
    assert [stem for stem in stems if stem.startswith("variance")] == [
        "variance_vs_k_gaussian_square_L1",
        "variance_vs_k_gaussian_square_L2",
    ]


def sweep_of_temperatures(
    names=("gumbel_softmax", "gumbel_rao"), values=(0.1, 0.5, 1.0, 4.0), **columns
):
    estimators = [(name, {"temperature": value}) for name in names for value in values]
    return table(estimators=[*estimators, ELEVEN[0]], levels=(1, 4), groups=("mean",), **columns)


def test_an_estimators_argument_of_many_values_is_an_axis_for_all_who_have_it():
    bias = {
        "unbiased": False,
        "bias_squared": 0.1,
        "bias_squared_low": -0.1,
        "bias_squared_high": 0.3,
    }
    drawn = {
        stem: (figure, [t for t, _ in texts])
        for stem, figure, texts in draw(sweep_of_temperatures(**bias))
    }
    place = "vs_temperature_gaussian_square"
    assert {
        f"{column}_{place}_L{level}" for column in ("variance", "bias_squared") for level in (1, 4)
    } <= set(drawn)
    figure, texts = drawn[f"variance_{place}_L4"]
    (axes,) = figure.axes[:1]
    assert {"Gumbel-softmax", "Gumbel-Rao"} <= set(texts)
    assert "score function, no baseline" not in texts
    lines = [line for line in axes.lines if line.get_marker() in "oD" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in lines] == [[0.1, 0.5, 1.0, 4.0]] * 2
    assert list(lines[1].get_ydata()) == [
        0.25,
        0.5,
        0.75,
        1.0,
    ]  # Gumbel-softmax is second by name, first in the table
    assert axes.get_xscale() == "log"
    _, rest = drawn["variance_vs_samples_gaussian_square"]
    assert not any("Gumbel" in text for text in rest)
    _, rest = drawn["bias_gaussian_square"]
    assert "Gumbel-softmax, τ = 4" in rest


def test_three_values_are_no_axis_and_a_bias_of_unbiased_estimators_is_not_drawn():
    few = [stem for stem, *_ in draw(sweep_of_temperatures(values=(0.1, 0.5, 1.0)))]
    assert not any("temperature" in stem for stem in few)
    unbiased = [stem for stem, *_ in draw(sweep_of_temperatures(unbiased=True, bias_squared=0.1))]
    assert any("temperature" in stem for stem in unbiased)
    assert not any(stem.startswith("bias_squared") for stem in unbiased)


def test_a_bias_is_drawn_without_a_variance_and_its_interval_to_the_foot():
    zero = {"variance": 0.0, "reason": "variance zero", "unbiased": False}
    bias = {"bias_squared": 0.1, "bias_squared_low": -0.1, "bias_squared_high": 0.3}
    figure, texts = only(
        sweep_of_temperatures(names=("gumbel_softmax",), **zero, **bias),
        "bias_squared_vs_temperature_gaussian_square_L1",
    )
    (axes,) = figure.axes[:1]
    (line,) = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert list(line.get_ydata()) == [0.1] * 4
    (shade,) = axes.collections
    heights = shade.get_paths()[0].vertices[:, 1]
    assert 0 < heights.min() < axes.get_ylim()[0]
    assert heights.max() == 0.3
    assert not any("Variance zero" in text for text in texts)


def test_a_bias_is_measured_against_what_is_said():
    for exact, said in (
        (True, "along the exact gradient"),
        (False, "along the gradient of a reference run of 9 × 64 draws"),
    ):
        _, texts = only(table(groups=("mean",), exact=exact, truth="9 × 64 draws"), "bias")
        assert said in " ".join(texts)


def test_a_star_for_each_significant_bias():
    measurements = table(groups=("mean",))
    measurements.loc[[0, 4, 5], "bias_finding"] = "biased"
    figure, texts = only(measurements, "bias")
    assert (
        sum(line.get_marker() == plot_keywords(STAR)["marker"] for line in figure.axes[0].lines)
        == 3
    )
    assert {"unbiased in theory", "biased in theory"} <= set(texts)


def test_labels_and_slugs_are_distinct():
    labels = [estimator_label(name, json.dumps(args)) for name, args in ELEVEN]
    assert len(set(labels)) == len(ELEVEN)
    assert labels[0] == "score function"
    assert "score function, leave-one-out" in labels
    assert "score function, delta" in labels
    assert estimator_label("measure_valued", '{"coupled": false}') == "measure-valued, uncoupled"
    assert estimator_label("gumbel_softmax", '{"temperature": 0.5}') == "Gumbel-softmax"
    assert (
        estimator_label("gumbel_softmax", '{"temperature": 0.5}', ["temperature"])
        == "Gumbel-softmax, τ = 0.5"
    )
    assert estimator_label("mine", '{"rate": 2.0}') == "mine, rate = 2"
    assert problem_label("gaussian_square", '{"k": 3.0}') == "Gaussian square"
    values = [0.1, 1.0, -1.0, 1e-7, 0.10000001, 10.0, 1e16]
    slugs = [slug("gaussian_square", json.dumps({"k": k})) for k in values]
    assert len(set(slugs)) == len(values)
    assert all(re.fullmatch("[a-z0-9_]+", text) for text in slugs)


@pytest.mark.parametrize("low", [1e-9, 0.97, 2.3, 4e5])
@pytest.mark.parametrize("ratio", [1.18, 1.5, 3, 11, 400, 1e12])
def test_a_log_axis_has_at_least_two_ticks_and_not_too_many(low, ratio):
    ticks = log_ticks(low, low * ratio)
    assert 2 <= len(ticks) <= 7
    assert all(low <= tick <= low * ratio for tick in ticks)
