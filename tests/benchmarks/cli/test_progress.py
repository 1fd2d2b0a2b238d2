"""The line that a terminal shows of a run: whole at 60 columns, the bar and the numbers first."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from gradest.benchmarks.cli.progress import columns_of, line_of
from gradest.benchmarks.sweeps.plan import plan_of
from gradest.estimators import estimator
from gradest.problems import problem

LABEL = "gaussian_square[k=-2.5] × score_function[baseline=leave_one_out] L=16"


@pytest.mark.parametrize(("width", "shown"), [(60, 14), (80, 34), (120, 54), (300, 60)])
def test_the_line_fits_and_says_what_is_measured(width, shown):
    console = Console(width=width, force_terminal=True, color_system=None, file=io.StringIO())
    with Progress(*columns_of(width), console=console, auto_refresh=False) as bar:
        task = bar.add_task("measuring", total=100_000)
        bar.update(task, completed=42_100, description=LABEL)
        bar.refresh()
        line = console.file.getvalue().rpartition("\x1b[2K")[2]
    assert len(line) <= width
    assert " 42100/100000 " in line
    assert "left" in line
    assert LABEL[:shown] in line
    assert "…" not in line


def test_a_cell_is_named_with_what_is_not_a_default():
    plan = plan_of([problem("gaussian_square", k=-2.5)], [estimator("rloo")], samples=[16])
    assert line_of(plan.cells[0]) == LABEL
