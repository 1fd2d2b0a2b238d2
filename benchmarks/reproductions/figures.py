"""All figures of a run: a paper's where it repeats one, and those of its measurements."""

import dataclasses
from collections.abc import Iterator

from gradest.benchmarks.analysis.labels import unique
from gradest.benchmarks.analysis.results import Run
from gradest.benchmarks.figures.figures import figures
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.reproductions.curves import paper_figures


def figures_of(run: Run) -> Iterator[FigureSpec]:
    """Every figure of a run under a name of its own, the paper's first."""
    taken: set[str] = set()
    for specs in (paper_figures(run), figures(run.measurements)):
        for spec in specs:
            yield dataclasses.replace(spec, name=unique(spec.name, taken))
