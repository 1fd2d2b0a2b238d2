"""The page in a browser: every control changes what it should, and the numbers are Python's."""

import json
import re
import tomllib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gradest.benchmarks.analysis.labels import estimator_label, place_label, short_label
from gradest.benchmarks.analysis.results import ESTIMATOR, PLACE
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.leaderboard import leaderboard
from gradest.benchmarks.comparisons.levels import level_text
from gradest.benchmarks.figures.profiles import overall
from gradest.benchmarks.paper.latex import escape
from gradest.benchmarks.sweeps.schema import Sweep
from tests.support.browser import DRAWN, choose, shown


@pytest.mark.parametrize("only_unbiased", [False, True])
def test_its_rankings_are_the_leaderboards(page, default_run, only_unbiased):
    table = default_run.measurements
    labels = page.run("places.label")
    largest = page.run("budgets.evaluations.at(-1)")
    for evaluations in (2, 8, 100, 128, largest):
        board = leaderboard(table, Budget(evaluations=evaluations), only_unbiased=only_unbiased)
        expected = {
            place_label(*place): [
                [row.label, level_text(row), bool(row.tie) or is_rounding(row, rows)]
                for row in rows.itertuples()
            ]
            for place, rows in board.groupby(PLACE, sort=False)
        }
        unbiased = json.dumps(only_unbiased)
        found = page.run(
            f"places.label.map((_, place) => ranked(place, {evaluations}, {unbiased})"
            ".map((row, rank, board) => [estimators.label[rows.estimator[row]], "
            f"levelText(row, {evaluations}), mayBeEqual(row, board[0], {evaluations})]))"
        )
        for label, ranking in zip(labels, found, strict=True):
            assert sorted(ranking) == sorted(expected.get(label, [])), (label, evaluations)
        errors = page.run(
            f"places.label.map((_, place) => ranked(place, {evaluations}, false)"
            ".filter(row => !pointsAway(row)).map(row => rows.error[row] ?? Infinity))"
        )
        assert all(sorted(each) == each for each in errors)


def is_rounding(row, rows) -> bool:
    """Whether an error is the best one's to float32: the page's ratios have five digits."""
    return not row.away and row.relative_rmse == pytest.approx(rows.relative_rmse.min(), rel=1e-5)


def test_its_profile_is_that_of_python(page, default_run):
    table = default_run.measurements
    board = leaderboard(table, Budget(evaluations=64))
    shares = page.run(
        "profiles(places.label.map((_, place) => ranked(place, 64, false)))"
        ".map(each => [estimators.name[each.estimator], each.share(2) * places.label.length])"
    )
    found = dict(shares)
    for each in overall(board):
        places = len(each.factors)
        name = short_label(each.estimator, each.estimator_args)
        assert found[name] == pytest.approx(each.share(2.0) * places)


def test_the_place_the_budget_and_only_unbiased_change_the_ranking(page):
    before = shown(page, "#answer-line")
    label = page.run(
        "places.label.findIndex(label => label.includes('step 1000') && label.endsWith('encoder'))"
    )
    choose(page, "place", str(label))
    assert shown(page, "#answer-line") != before
    assert f"place={label}" in page.run("location.hash")
    choose(page, "budget", "0", "input")
    cheapest = shown(page, "#ranking")
    assert "too dear: from" in cheapest
    choose(page, "budget", page.run("byId('budget').max"), "input")
    assert "too dear" not in shown(page, "#ranking")
    assert "straight-through" in shown(page, "#ranking")
    page.run("byId('unbiased').click()")
    assert "straight-through" not in shown(page, "#ranking")
    assert "only=unbiased" in page.run("location.hash")


def test_a_row_that_is_clicked_is_the_reference(page):
    page.run("document.querySelector('#ranking button').click()")
    name = shown(page, "#ranking button")
    assert f"error over {name}" in shown(page, "#ranking thead")
    assert page.run("document.activeElement.textContent") == name
    assert shown(page, "#ranking tbody tr td:last-child") == "1 [1, 1] ×"
    page.run("document.querySelector('#ranking button').click()")
    assert "error over" not in shown(page, "#ranking thead")


def test_an_address_gives_the_same_view_again(page, default_file):
    page.run("byId('unbiased').click()")
    page.run("[...document.querySelectorAll('#ranking button')].at(-1).click()")
    for name, value in {"place": "3", "y": "error", "x": "evaluations"}.items():
        choose(page, name, value)
    choose(page, "sigma", "1.2", "input")
    page.run("document.querySelector('#modes [data-key=scored]').click()")
    views = []
    address = default_file.as_uri() + page.run("location.hash")
    for _ in range(2):
        views.append([shown(page, f"#{part}") for part in ("answer", "cells", "points", "steps")])
        page.open(address)
        page.until(DRAWN)
    assert views[0] == views[1]
    assert page.run("[byId('x').value, byId('y').value, byId('sigma').value]") == [
        "evaluations",
        "error",
        "1.2",
    ]


def test_an_address_that_does_not_fit_is_the_start(page, default_file):
    page.open(default_file.as_uri() + "#place=999&y=nothing&mode=none&sigma=-3&pin=nobody&x=z")
    page.until(DRAWN)
    assert page.run("[state.place, state.y, state.mode, state.sigma, state.pin]") == [
        0,
        "variance",
        "direct",
        0.1,
        None,
    ]


def test_a_cell_of_the_matrix_leads_to_its_curves_and_arrows_move(page):
    page.run("document.querySelector('#cells button').focus()")
    first = page.run("document.activeElement.title")
    page.press("ArrowDown", 40)
    second = page.run("document.activeElement.title")
    assert first != second
    page.run("document.activeElement.click()")
    assert second.split(": error")[0].endswith(shown(page, "#curves-place"))
    assert page.run("document.querySelectorAll('#cells button[tabindex=\"0\"]').length") == 1
    reasons = page.run(
        "[...document.querySelectorAll('#cells td.without')].map(cell => cell.title)"
    )
    assert reasons
    assert all(reasons)


def test_curves_show_what_is_chosen(page):
    for y in ("variance", "error", "bias", "snr"):
        for x in ("samples", "evaluations", "batched"):
            check_curves(page, x, y)


def check_curves(page, x, y):
    choose(page, "y", y)
    choose(page, "x", x)
    page.until(f"views.chart.key === '{y} {x}' && {DRAWN}")
    title = page.run(f"run.specs.curves.{y}.{x}.layer[0].encoding.y.title")
    page.until(f"document.querySelector('#chart').textContent.includes({json.dumps(title)})")
    assert page.run("byId('points').rows.length") > 3


def test_a_swept_argument_is_an_axis(browser, temperature_file):
    """Each estimator that has a temperature is one curve over its values, on a logarithmic axis.

    It is the first that is shown, as there is one L alone.
    """
    browser.said.clear()
    browser.open(temperature_file.as_uri())
    browser.until(f"views.chart.key === 'variance estimator:temperature' && {DRAWN}")
    browser.until("document.querySelector('#chart').textContent.includes('τ')")
    (sweep,) = browser.run("run.swept.estimator.slice(0, 1)")
    assert (sweep["symbol"], sweep["axis"]) == ("τ", "swept_far")
    assert sweep["values"] == [0.05, 0.1, 0.2, 0.5, 1, 2]
    legend = browser.run("[...document.querySelectorAll('#legend button')].map(e => e.textContent)")
    names = {name for entry in legend for name in re.split("; | and |: equal here", entry)}
    assert {"REBAR", "Gumbel-softmax", "straight-through Gumbel"} <= names
    assert not any("τ" in name for name in names)
    rows = browser.run("[...byId('points').rows].map(row => row.cells[1].textContent)")
    assert rows[0] == "τ"
    assert {*rows[1:]} == {"0.05", "0.1", "0.2", "0.5", "1", "2"}
    # half of the axis is for what is below √(0.05 · 2)
    x = browser.run("views.chart.made.then(made => [0.05, 0.316, 2].map(made.view.scale('x')))")
    assert (x[1] - x[0]) / (x[2] - x[0]) == pytest.approx(0.5, abs=0.01)
    assert browser.said == []


def test_a_highlight_fades_the_others(page):
    faded = "document.querySelectorAll('#chart path[opacity=\"0.12\"]').length"
    assert page.run(faded) == 0
    choose(page, "highlight", "family:score function")
    page.until(f"{faded} > 0")
    page.run("document.querySelector('#legend button').click()")
    assert page.run("document.querySelectorAll('#legend [aria-pressed=true]').length") == 1
    page.run("document.querySelector('#legend [aria-pressed=true]').click()")
    page.until(f"{faded} === 0")


def test_equal_curves_are_one(page):
    members = page.run(
        "bundled([{label: 'a', points: [{x: 1, y: 2, low: 1.9, high: 2.1}]}, "
        "{label: 'b', points: [{x: 1, y: 2.02, low: 2.01, high: 2.03}]}, "
        "{label: 'c', points: [{x: 1, y: 4, low: 3.9, high: 4.1}]}]).map(each => each.members)"
    )
    assert members == [["a", "b"], ["c"]]


def normal_gradients(mu, sigma, eps):
    """The three ways by automatic differentiation."""

    def loss(z):
        return (z - 3) ** 2

    def direct(mu, sigma):
        return loss(jax.lax.stop_gradient(mu + sigma * eps))

    def pathwise(mu, sigma):
        return loss(mu + sigma * eps)

    z = mu + sigma * eps

    def score(mu, sigma):
        return loss(z) * jax.scipy.stats.norm.logpdf(z, mu, sigma)

    ways = {"direct": direct, "reparameterized": pathwise, "scored": score}
    return {name: jax.grad(way, (0, 1))(mu, sigma) for name, way in ways.items()}


@pytest.mark.parametrize(
    ("mu", "sigma", "eps"), [(0.5, 0.8, 1.5), (1.0, 1.0, -0.7), (-2.0, 0.3, 2.0)]
)
def test_the_numbers_of_the_toggle_are_jaxs(page, mu, sigma, eps):
    drawn = page.run(f"normalDraw({mu}, {sigma}, {eps})")
    for name, gradient in normal_gradients(mu, sigma, eps).items():
        assert drawn[name] == pytest.approx([float(g) for g in gradient], rel=1e-4, abs=1e-6)
    kl = jax.grad(lambda m, s: m**2 / 2 + s**2 / 2 - jnp.log(s), (0, 1))(mu, sigma)
    assert drawn["kl"] == pytest.approx([float(g) for g in kl], rel=1e-4, abs=1e-6)
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)
    weights = weights / weights.sum()
    every = jax.vmap(lambda eps: normal_gradients(mu, sigma, eps))(jnp.asarray(nodes))
    variances = page.run(f"normalVariances({mu}, {sigma})")
    for name, gradients in every.items():
        for number, values in enumerate(np.asarray(gradients, float)):
            mean = weights @ values
            if name != "direct":
                assert mean == pytest.approx(drawn["truth"][number], rel=1e-3)
            variance = weights @ (values - mean) ** 2
            assert variances[name][number] == pytest.approx(variance, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize(("logit", "tau", "u"), [(0.5, 0.5, 0.3), (-1.0, 1.2, 0.9)])
def test_the_numbers_of_a_bit_are_jaxs(page, logit, tau, u):
    def straight(a):
        p = jax.nn.sigmoid(a)
        z = p + jax.lax.stop_gradient((u < p) - p)
        return (z - 0.45) ** 2

    def gumbel(a, u=u):
        return (jax.nn.sigmoid((a + jnp.log((1 - u) / u)) / tau) - 0.45) ** 2

    def expected(a):
        p = jax.nn.sigmoid(a)
        return p * 0.55**2 + (1 - p) * 0.45**2

    drawn = page.run(f"bitDraw({logit}, {tau}, {u})")
    for name, loss in {"straight": straight, "gumbel": gumbel, "truth": expected}.items():
        assert drawn[name] == pytest.approx([float(jax.grad(loss)(logit))], rel=1e-4)
    grid = (jnp.arange(20_000) + 0.5) / 20_000
    mean = jax.vmap(lambda u: jax.grad(gumbel)(logit, u))(grid).mean()
    assert page.run(f"bitMean({logit}, {tau}, 'gumbel')") == pytest.approx(float(mean), rel=1e-3)


def test_the_toggle_says_what_the_issue_says(page):
    """At μ = 0.5, σ = 0.8, ε = 1.5, as it opens."""
    steps = "[...byId('steps').rows].map(row => [...row.cells].map(cell => cell.textContent))"
    told = {}
    for mode in ("direct", "reparameterized", "scored"):
        page.run(f"document.querySelector('#modes [data-key={mode}]').click()")
        told[mode] = [row[1:] for row in page.run(steps)[1:]]
        assert page.run("document.activeElement.dataset.key") == mode
    assert told["direct"][:3] == [["0", "0"], ["0.5", "−0.45"], ["0.5", "−0.45"]]
    assert told["reparameterized"][0] == ["−2.6", "−3.9"]
    assert told["reparameterized"][2] == ["−2.1", "−4.35"]
    assert told["scored"][0] == ["3.169", "2.641"]
    assert {tuple(rows[3]) for rows in told.values()} == {("−5", "1.6")}
    assert shown(page, "#noisier") == "61.8 times the variance"


def test_sliders_modes_libraries_and_draws_change_what_they_should(page):
    kinds = "[...document.querySelectorAll('#graph [data-kind]')].map(each => each.dataset.kind)"
    expected = {"direct": "broken", "scored": "around", "straight": "dashed", "gumbel": "dashed"}
    for mode, kind in expected.items():
        page.run(f"document.querySelector('#modes [data-key={mode}]').click()")
        assert kind in page.run(kinds)
        codes = set()
        for library in ("jax", "torch", "keras"):
            page.run(f"document.querySelector('#libraries [data-key={library}]').click()")
            codes.add(shown(page, "#code"))
        assert len(codes) == 3
    for name, value in {"logit": "1", "tau": "0.7", "u": "0.6"}.items():
        before = shown(page, "#steps")
        choose(page, name, value, "input")
        assert shown(page, "#steps") != before
    page.run("document.querySelector('#modes [data-key=scored]').click()")
    for name, value in {"mu": "1", "sigma": "1.5", "eps": "-1"}.items():
        before = shown(page, "#steps")
        choose(page, name, value, "input")
        assert shown(page, "#steps") != before
        assert shown(page, f"#value-{name}") == value.replace("-", "−")
    before = shown(page, "#steps")
    page.run("byId('draw').click()")
    assert shown(page, "#steps") != before
    assert page.run("byId('many-table').hidden")
    page.run("byId('draw-many').click()")
    assert "truth −4" in shown(page, "#many-text")
    counts = page.run(
        "[...byId('bins').rows].slice(1).map(row => Number(row.cells[2].textContent))"
    )
    assert sum(counts) == 1000


def test_what_is_copied_goes_into_a_paper_and_into_a_sweep(page, default_run):
    copied = "byId('copied').value"
    page.run("byId('copy-papers').click()")
    assert page.run(copied).startswith("@")
    page.run("byId('copy-methods').click()")
    assert "R = 250 to 20,000" in page.run(copied)
    page.run("byId('copy-ranking').click()")
    ranking = page.run(copied)
    assert ranking.startswith("\\begin{tabular}{llllll}\n\\toprule\n")
    assert "\\textbf{" in ranking
    places = "document.querySelectorAll('.tools:not([data-toml=run])')"
    for number in range(page.run(f"{places}.length")):
        page.run(f"{places}[{number}].children[1].click()")
        sweep = Sweep.model_validate(tomllib.loads(page.run(copied)))
        assert len(sweep.problem) == 1
    page.run("byId('copy-sweep').click()")
    assert tomllib.loads(page.run(copied))["name"] == "default"
    labels = {estimator_label(*each) for each in default_run.measurements[ESTIMATOR].to_numpy()}
    for text in [*labels, "a_b {x} 100 %", "k = -2.5", "1.5e-07", "μΣΑος中\\^~#&$|<>", "‖∇‖ – ∂"]:
        plain = page.run(f"texOf({json.dumps(text)})")
        assert plain == escape(text)


def test_the_keyboard_reaches_every_control(page):
    page.run("document.body.focus()")
    reached = []
    for _ in range(120):
        page.press("Tab", 9)
        reached.append(
            page.run("document.activeElement.id || document.activeElement.parentElement.id")
        )
    wanted = {"place", "budget", "unbiased", "y", "x", "highlight", "mu", "sigma", "eps", "draw"}
    assert wanted | {"draw-many", "copy-papers", "modes", "libraries", "copy-sweep"} <= set(reached)
    nameless = page.run(
        "[...document.querySelectorAll('button, select, input, textarea')].filter(each => "
        "!(each.textContent.trim() || each.labels?.length)).length"
    )
    assert nameless == 0
