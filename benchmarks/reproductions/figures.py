"""All figures of a run: a paper's where it repeats one, those of its measurements and of its
training."""

import dataclasses
from collections.abc import Iterator, Sequence

from gradest.benchmarks.analysis.labels import unique
from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.comparisons.leaderboard import Board
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.learning_curves.curves import Contest, contests_of
from gradest.benchmarks.reproductions.curves import paper_figures
from gradest.benchmarks.training_shown.objectives import training_figures


def figures_of(
    run: Run, boards: Sequence[Board] | None = None, contests: Sequence[Contest] | None = None
) -> Iterator[FigureSpec]:
    """Every figure of a run under a name of its own: the paper's, of measurements, of training.

    Args:
        run: a finished one.
        boards: its leaderboards; they are made where they are not given.
        contests: what it trained, likewise.
    """
    taken: set[str] = set()
    measured = figures(run.measurements, boards)
    trained = training_figures(contests_of(run) if contests is None else contests)
    for specs in (paper_figures(run), measured, trained):
        for spec in specs:
            yield dataclasses.replace(spec, name=unique(spec.name, taken))
