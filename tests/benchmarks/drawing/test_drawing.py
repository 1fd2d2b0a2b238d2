"""Figures as they are drawn: nothing overlaps, all can be read, no interval is left out."""

import dataclasses
import itertools
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from gradest.benchmarks.drawing.drawing import draw, draw_panel, log_ticks
from gradest.benchmarks.drawing.saving import saving
from gradest.benchmarks.drawing.styles import STYLES, in_style
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.spec import LIMIT
from gradest.benchmarks.training_shown.objectives import training_figures
from tests.support.made_tables import ELEVEN, SQUARE, ranked, table
from tests.support.made_training import contest, ten

VAE = [
    ("vae_bernoulli", {"kl": "analytic", "latent_dim": 3, "train_steps": steps})
    for steps in (0, 1000)
]
MORE = [("rebar", {"coefficient": float(i), "learned": True}) for i in range(3)]
MINIBATCHES = {"minibatch_size": 8, "minibatch_variance": 0.7}
BIASED = {"bias_finding": "biased"}


@pytest.fixture(scope="module")
def specs():
    """All kinds of figures, with values that are zero, unreliable, biased, far off and infinite."""
    k = [(SQUARE[0], SQUARE[1] | {"k": value}) for value in np.linspace(-3, 2, 5).tolist()]
    snr = {"snr": 5.0, "snr_low": 4.0, "snr_high": 6.0, "exact_norm": 4, "exact_variance": 0.5}
    squared = {"bias_squared": 0.1, "bias_squared_low": -0.1, "bias_squared_high": 0.3}
    far = table([("bernoulli_square", {"t": 0.49})], ELEVEN, groups=("logits",), **BIASED)
    far.loc[18, ["bias_relative_low", "bias_relative", "bias_relative_high"]] = [-40, -30, -20]
    doubtful = table([("gaussian_cosine", {"k": 2.0})], ELEVEN, levels=(1, 4, 16, 64))
    doubtful.loc[0, "status"] = "unreliable"
    doubtful.loc[9, "variance_high"] = np.inf
    doubtful.loc[10, ["variance", "reason"]] = [0.0, "variance zero"]
    along = table(k, ELEVEN[:6], levels=(1,), groups=("mean",), **snr, **squared)
    signals = ["snr", "snr_low", "snr_high"]
    along[signals] = along[signals].mul(1 + along.index.to_numpy() // 6, axis=0)
    tables = [
        doubtful,
        table(VAE, [*ELEVEN, *MORE], groups=("encoder", "decoder"), dim=2400, **MINIBATCHES),
        far,
        along,
    ]
    made = ranked(pd.concat(tables, ignore_index=True))
    of_training = training_figures([contest(ten())])
    return {spec.name: spec for spec in [*figures(made), *of_training]}


def drawn(spec, how):
    """A figure, and the boxes of its texts in inches."""
    figure = draw(spec, how)
    canvas = FigureCanvasAgg(figure)
    with in_style(how):
        canvas.draw()
    renderer = canvas.get_renderer()
    texts = [
        (text, text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip()
    ]
    return figure, texts


def test_a_biased_row_is_hatched_over_the_whole_panel(specs, on_screen):
    """The best, at the left end, would else have hardly any hatching."""
    figure, _ = on_screen["relative_rmse"]
    hatched = 0
    for panel, axes in zip(specs["relative_rmse"].panels, figure.axes, strict=True):
        rows = {round(patch.get_y() + 0.35): patch for patch in axes.patches if patch.get_hatch()}
        biased = {panel.y.names.index(each.label) for each in panel.series if any(each.biased)}
        assert set(rows) == biased
        whole = [patch.get_window_extent().width for patch in rows.values()]
        assert whole == pytest.approx([axes.get_window_extent().width] * len(rows))
        hatched += len(rows)
    assert hatched


def test_all_kinds_of_figures_are_there(specs):
    kinds = ("relative_rmse", "performance_profile", "variance_vs_samples", "bias", "snr_vs_k")
    kinds += ("training_noise", "training_gaussian")
    assert not {kind for kind in kinds if not any(name.startswith(kind) for name in specs)}
    assert list(specs)[:2] == ["relative_rmse", "performance_profile"]


def test_numbers_below_zero_have_a_minus_sign_wherever_they_are_drawn(specs):
    """In titles, at axes and their ticks, at the ends of lines, in the margin of rows, in keys."""
    spec = specs["variance_vs_k_gaussian_square"]
    (panel,) = spec.panels
    x = dataclasses.replace(panel.x, label="k = -2", ticks=(-3.0, 2.0), names=("-3", "2"))
    y = dataclasses.replace(panel.y, label="ln g = -5")
    lines = [dataclasses.replace(each, label=f"a = -{i}") for i, each in enumerate(panel.series, 6)]
    below = dataclasses.replace(panel, title="η = -4", x=x, y=y, series=tuple(lines))
    _, texts = drawn(dataclasses.replace(spec, title="t = -1", panels=(below,)), STYLES["screen"])
    shown = [text.get_text() for text, _ in texts]
    assert {"t = −1", "k = −2", "−3", "η = −4", "ln g = −5", "a = −6"} <= {*shown}
    rows = dataclasses.replace(y, scale="rows", names=tuple(each.label for each in lines))
    one = [dataclasses.replace(each, x=each.x[:1], printed="-0.5 %") for each in lines]
    of_rows = dataclasses.replace(below, x=panel.y, y=rows, series=tuple(one))
    _, texts = drawn(dataclasses.replace(spec, panels=(of_rows,)), STYLES["screen"])
    shown += [text.get_text() for text, _ in texts]
    assert {"a = −6", "−0.5 %"} <= {*shown}
    axes = Figure().subplots()
    draw_panel(below, axes)
    shown += [axes.get_title(loc="left"), *axes.get_legend_handles_labels()[1]]
    assert shown.count("a = −6") == 3
    assert not [text for text in shown if re.search(r"-[\d.]", text)]


@pytest.fixture(scope="module")
def on_screen(specs):
    """Each figure as it is drawn for a screen, with its texts and their boxes."""
    return {name: drawn(spec, STYLES["screen"]) for name, spec in specs.items()}


def check_texts(name, figure, texts):
    """None overlaps another, leaves the page, or is too small to be read."""
    for (one, a), (other, b) in itertools.combinations(texts, 2):
        overlap = a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1
        assert not overlap, (name, one.get_text(), other.get_text())
    for text, box in texts:
        assert text.get_fontsize() >= 7, (name, text.get_text())
        assert box.x0 >= 0 <= box.y0, (name, text.get_text())
        assert box.x1 <= figure.bbox.x1, (name, text.get_text())
        assert box.y1 <= figure.bbox.y1, (name, text.get_text())


def test_nothing_overlaps_or_leaves_the_page_and_all_can_be_read(on_screen):
    for name, (figure, texts) in on_screen.items():
        check_texts(name, figure, texts)


@pytest.mark.parametrize("style", ["paper", pytest.param("talk", marks=pytest.mark.slow)])
def test_nor_does_it_in_a_column_or_on_a_slide(specs, style):
    for name, spec in specs.items():
        if name == "relative_rmse":  # of many panels; its texts are those of the other rows
            continue
        figure, texts = drawn(spec, STYLES[style])
        check_texts(name, figure, texts)
        assert figure.get_figwidth() == pytest.approx(STYLES[style].width), name


def test_every_line_is_named_at_its_end_and_has_a_marker_for_prints_in_grey(specs, on_screen):
    for name, spec in specs.items():
        shown = [" ".join(text.get_text().split()) for text, _ in on_screen[name][1]]
        for series in (series for panel in spec.panels for series in panel.series):
            assert series.style.marker
            assert series.label in shown, (name, series.label)
        labels = [guide.label for panel in spec.panels for guide in panel.guides if guide.label]
        assert shown.count("minibatches of 8") == len(labels) == (4 if "vae" in name else 0), name


def bars(axes):
    """The vertical bars of the axes."""
    return [
        segment
        for collection in axes.collections
        if hasattr(collection, "get_segments")
        for segment in collection.get_segments()
    ]


def test_minibatches_are_a_grey_line_across_the_panel(specs, on_screen):
    (name,) = (name for name in specs if "vae" in name)
    figure, _ = on_screen[name]
    for panel, axes in zip(specs[name].panels, figure.axes, strict=True):
        across = [line for line in axes.lines if set(line.get_ydata()) == {0.7}]
        (line,) = (line for line in across if list(line.get_xdata()) == [0, 1])
        assert line.get_color() == panel.guides[0].style.color == "0.55"


def test_every_value_of_a_line_has_its_interval_and_a_limit_its_mark(specs, on_screen):
    marks = 0
    for name, spec in specs.items():
        if spec.panels[0].y.scale == "rows" or spec.panels[0].series[0].steps:
            continue
        figure, _ = on_screen[name]
        for panel, axes in zip(spec.panels, figure.axes, strict=True):
            spans = {(bar[0][0], bar[0][1], bar[1][1]) for bar in bars(axes)}
            for series in panel.series:
                points = zip(series.x, series.value, series.low, series.high, strict=True)
                known = [point for point in points if point[1] is not None]
                for x, _, low, high in known[:: series.every]:
                    top = panel.y.limits[1] if high is None else high
                    assert (x, low, top) in spans, (spec.name, series.label)
            arrows = [line for line in axes.lines if line.get_marker() == LIMIT.marker]
            marks += sum(len(line.get_xdata()) for line in arrows)
    assert marks


def test_the_title_and_the_names_can_be_left_out(specs):
    spec = specs["variance_vs_samples_gaussian_cosine_k_2"]
    plain = dataclasses.replace(STYLES["paper"], legend="none")
    _, texts = drawn(spec, plain)
    shown = [text.get_text() for text, _ in texts]
    assert spec.title not in shown
    assert not any("score function" in text or "intervals" in text for text in shown)
    assert any(text.startswith("∂/∂") for text in shown)


def test_the_same_table_gives_the_same_bytes_and_no_dates(tmp_path):
    paths = []
    for name in ("first", "second"):
        made = ranked(table(groups=("mean",), levels=(1, 4, 16), **BIASED))
        with saving(figures(made), tmp_path / name) as written:
            paths.append(written)
    first, second = paths
    assert first == sorted(first)
    assert [path.name for path in first] == [path.name for path in second]
    assert len(first) == 9
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
        assert not re.search(rb"CreationDate|dc:date|Software", one.read_bytes()), one.name


def test_other_files_of_the_folder_stay(tmp_path):
    others = ["diagram.pdf", "diagram.svg", "diagram.png", "notes.txt"]
    for name in others:
        (tmp_path / name).write_text("")
    with saving(figures(table(groups=("mean",), estimators=ELEVEN[:2])), tmp_path):
        pass
    stems = [f"variance_vs_samples_gaussian_square.{suffix}" for suffix in ("pdf", "svg", "png")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*stems, *others])


@pytest.mark.parametrize("low", [1e-9, 0.97, 2.3, 4e5])
@pytest.mark.parametrize("ratio", [1.18, 1.5, 3, 11, 400, 1e12])
def test_a_log_axis_has_at_least_two_ticks_and_not_too_many(low, ratio):
    ticks = log_ticks(low, low * ratio)
    assert 2 <= len(ticks) <= 7
    assert all(low <= tick <= low * ratio for tick in ticks)


def test_numbers_with_powers_of_ten_leave_the_label_of_the_axis_on_the_page():
    made = table(groups=("mean",))
    for column in ("variance", "variance_low", "variance_high"):
        made[column] *= 3e-5
    (spec,) = figures(made)
    figure, texts = drawn(spec, STYLES["screen"])
    assert any(r"\times" in text.get_text() for text, _ in texts)
    check_texts(spec.name, figure, texts)
