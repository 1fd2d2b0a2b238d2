"""The unit of the page's budget: evaluations, seconds of one alone, seconds batched."""

import re

import pytest

from gradest.benchmarks.analysis.labels import place_label
from gradest.benchmarks.analysis.results import PLACE
from gradest.benchmarks.comparisons.budgets import Budget
from gradest.benchmarks.comparisons.leaderboard import leaderboard
from tests.support.browser import choose, opened, shown

CURVES = "document.querySelector('#chart svg')"


@pytest.fixture
def page(browser, timed_file):
    """The page of a run that was timed, opened."""
    with opened(browser, timed_file) as page:
        yield page


@pytest.mark.parametrize("unit", ["alone", "batched"])
def test_a_budget_of_seconds_ranks_as_the_leaderboard(page, timed_file, timed_run, unit):
    choose(page, "unit", unit)
    assert f"unit={unit}" in page.run("location.hash")
    table = timed_run.measurements
    seconds = page.run(f"budgets.{unit}")
    assert page.run("Number(byId('budget').max)") == len(seconds) - 1
    for place in (3, len(seconds) // 2, len(seconds) - 2):
        # between two prices: those of the page have five digits
        budget = (seconds[place] * seconds[place + 1]) ** 0.5
        board = leaderboard(table, Budget(seconds=budget, cost=unit))
        expected = {
            place_label(*place): sorted([row.label, row.num_samples] for row in rows.itertuples())
            for place, rows in board.groupby(PLACE, sort=False)
        }
        found = page.run(
            f"places.label.map((label, place) => [label, ranked(place, {budget}, false)"
            ".map(row => [estimators.label[rows.estimator[row]], rows.samples[row]])])"
        )
        assert {label: sorted(each) for label, each in found if each} == expected
    choose(page, "budget", "0", "input")
    assert f"s, {'one alone' if unit == 'alone' else 'batched'}" in shown(page, "#budget-text")
    assert re.search(r"too dear: from [\d.]+ [µmn]?s, ", shown(page, "#ranking"))
    view = shown(page, "#answer")
    page.open(timed_file.as_uri() + page.run("location.hash"))
    page.until(CURVES)  # this budget may pay for nothing that a profile is made of
    assert shown(page, "#answer") == view
    choose(page, "x", unit)
    page.until(f"views.chart.key === 'variance {unit}' && {CURVES}")
    choose(page, "unit", "evaluations")
    assert "evaluations of f" in shown(page, "#budget-text")


def test_ties_in_seconds_are_paired(page):
    """Whoever a budget of seconds pays for together has a ratio that is known."""
    choose(page, "unit", "alone")
    unknown = page.run(
        "budgets.alone.flatMap(budget => places.label.flatMap((_, place) => {"
        "const board = ranked(place, budget, false).filter(row => rows.error[row] > 0);"
        "return board.filter(row => ratioOf(row, board[0]) === null); })).length"
    )
    assert unknown == 0
