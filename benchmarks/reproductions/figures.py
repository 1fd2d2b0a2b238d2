"""All figures of a run: a paper's where it repeats one, those of its measurements and of its
training."""

import dataclasses
from collections.abc import Iterator

from gradest.benchmarks.analysis.labels import unique
from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.learning_curves.curves import contests_of
from gradest.benchmarks.reproductions.curves import paper_figures
from gradest.benchmarks.training_shown.objectives import training_figures


def figures_of(run: Run) -> Iterator[FigureSpec]:
    """Every figure of a run under a name of its own: the paper's, of measurements, of training."""
    taken: set[str] = set()
    measured, trained = figures(run.measurements), training_figures(contests_of(run))
    for specs in (paper_figures(run), measured, trained):
        for spec in specs:
            yield dataclasses.replace(spec, name=unique(spec.name, taken))
