"""What was measured, as one object: a table, a ranking, figures, a page."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from gradest._page import html_ranking, latex_ranking, svg_of, text_ranking
from gradest.benchmarks.analysis import results
from gradest.benchmarks.comparisons.budgets import budget_of
from gradest.benchmarks.comparisons.leaderboard import leaderboard, shown
from gradest.benchmarks.comparisons.pairing import changed_lines
from gradest.benchmarks.drawing.drawing import draw
from gradest.benchmarks.drawing.options import print_of
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.figures.spec import FigureSpec
from gradest.benchmarks.folders.columns import COLUMNS
from gradest.benchmarks.folders.ownership import copy_run, refuse_foreign
from gradest.benchmarks.outcomes import Outcome
from gradest.benchmarks.recommending.finished import recommend_from
from gradest.benchmarks.recommending.ranking import Rules
from gradest.benchmarks.recommending.rendering import Recommendation
from gradest.benchmarks.report.report import page_of, write_report
from gradest.benchmarks.report.summary import Findings, summary
from gradest.benchmarks.reproductions.figures import figures_of
from gradest.benchmarks.runtime.files import make_folder
from gradest.benchmarks.sweeps.output import write_results
from gradest.benchmarks.sweeps.plan import Plan
from gradest.benchmarks.sweeps.run import codes_by_digest
from gradest.problems.arguments import nearest


@dataclass(frozen=True, repr=False)
class Run:
    """Measurements of estimators on problems, from `measure`, `sweep` or `load`.

    It shows itself as a ranked table, in a notebook with its first figure.
    """

    read: results.Run = field(repr=False)
    """The tables and the manifest, as a run's folder has them."""
    plan: Plan | None = None
    """What was to be measured; None where the run was read from a folder."""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    trained: Mapping[str, Outcome] = field(default_factory=dict)
    """What became of its trainings, by id."""

    @classmethod
    def of(
        cls,
        plan: Plan,
        outcomes: Mapping[str, Outcome],
        trained: Mapping[str, Outcome] | None = None,
    ) -> "Run":
        """The run of a plan that was measured here.

        Args:
            plan: what was to be measured.
            outcomes: what became of its cells, by id.
            trained: what became of its trainings, by id.
        """
        made = trained or {}
        with tempfile.TemporaryDirectory() as folder:
            codes = codes_by_digest(plan)
            write_results(plan, outcomes, {}, Path(folder), codes, trained=made)
            read = results.read_run(Path(folder))
        return cls(read._replace(folder=Path(plan.sweep.name)), plan, outcomes, made)

    @property
    def training(self) -> pd.DataFrame | None:
        """training.csv: the objective along every training; None where nothing was trained."""
        return None if self.read.training is None else self.read.training.copy()

    @property
    def trajectory(self) -> pd.DataFrame | None:
        """trajectory.csv: gradients at the checkpoints of every training, likewise."""
        return None if self.read.trajectory is None else self.read.trajectory.copy()

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each cell and group of θ, with the columns of measurements.csv."""
        return self.read.measurements[list(COLUMNS)].copy()

    @property
    def failures(self) -> dict[str, str]:
        """Why cells failed or were skipped, by problem, estimator and L."""
        rows = self.frame[self.frame.status.isin(["failed", "skipped"])]
        return {
            f"{row.problem} × {row.estimator} L={row.num_samples}": str(row.reason)
            for row in rows.itertuples()
        }

    def leaderboard(
        self,
        *,
        budget: str | float | None = None,
        evaluations: int | None = None,
        samples: int | None = None,
        only_unbiased: bool = False,
        group: str | None = None,
        cost: str | None = None,
    ) -> pd.DataFrame:
        """The estimators in order of relative root mean square error, at each problem, θ and group.

        Each estimator takes the largest L that the budget pays for, measured or, where its variance
        there follows exactly from those at measured ones, doubled from one of them.

        Args:
            budget: seconds that a gradient may cost, as a number or "1ms".
            evaluations: of f and of its gradient, that one may cost.
            samples: the largest L. Without any of the three it is the largest measured one of each
                estimator.
            only_unbiased: leaves out what claims to be biased, and what was found to be.
            group: of θ, the only one.
            cost: by which a budget of seconds is told: "alone", of one gradient computed alone, or
                "batched", of one of many; alone where `gradest time` timed all, if nothing is said.

        Returns:
            A row for each estimator and place, with `rank`, `relative_rmse` and its interval,
            `biased`, and `tie`: whether the error may be that of the best. `measured_samples` is
            the measured L of a row at another L; `paid_samples` is the larger L that the budget
            pays for, where only the cost is known there.

        Raises:
            BadInput: more than one budget, or no such group, or no such cost.
        """
        limit = budget_of(budget, evaluations, samples, cost)
        rows = self.read.measurements
        return shown(leaderboard(rows, limit, only_unbiased=only_unbiased, group=group))

    def recommend(
        self,
        budget: str | float | None = None,
        *,
        evaluations: int | None = None,
        samples: int | None = None,
        only_unbiased: bool = False,
        problem: str | None = None,
        at: Mapping[str, Any] | None = None,
        group: str | None = None,
        grad_f: bool = True,
    ) -> Recommendation:
        """Which estimator to use at each place for a budget, from what was measured alone.

        Args:
            budget: seconds that a gradient may cost, as a number or "1ms".
            evaluations: of f and of its gradient, that one may cost.
            samples: the largest L. Without any of the three it is the largest of each estimator.
            only_unbiased: never recommends what claims to be biased or was found to be.
            problem: its name; every one of the run, where there is none.
            at: arguments of the problem that the place must have.
            group: of θ, the only one; every one where it is None.
            grad_f: whether the gradient of f may be taken.

        Returns:
            The ranking at each place; `.best` and `.ties` are those of the only one.

        Raises:
            BadInput: no such place, or nothing that was measured is within the budget.
        """
        limit = budget_of(budget, evaluations, samples)
        return recommend_from(
            self.read,
            limit,
            Rules(only_unbiased),
            problem=problem,
            at=at,
            group=group,
            grad_f=grad_f,
        )

    def summary(self) -> str:
        """What stands in summary.md."""
        return summary(self._found)

    @cached_property
    def _found(self) -> Findings:
        return Findings(self.read)

    @cached_property
    def _specs(self) -> dict[str, FigureSpec]:
        specs = figures_of(self.read, self._found.boards, self._found.contests)
        return {spec.name: spec for spec in specs}

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of the figures that there are."""
        return tuple(self._specs)

    def figure(self, name: str | None = None, *, style: str = "screen", **printing: Any) -> Figure:
        """A figure, drawn with matplotlib.

        Args:
            name: one of `figures`; the first, where there is none.
            style: "screen", "paper" (3.25 inches wide, no title, Computer Modern) or "talk".
            printing: `width`, in inches or with a unit ("84mm"); `title=False`; `legend`, "right"
                or "none"; `font`, "sans" or "cm".

        Raises:
            BadInput: there is no such figure, or none at all, or no such style.
        """
        if not self._specs:
            raise BadInput(
                "no figure: expected two estimators that differ, measured at three L or more"
            )
        chosen = self.figures[0] if name is None else str(name)
        if chosen not in self._specs:
            known = ", ".join(self.figures)
            raise BadInput(
                f"figure {name!r}: expected one of {known}{nearest(chosen, self.figures)}"
            )
        return draw(self._specs[chosen], print_of(style, **printing))

    def to_latex(self, **asked: Any) -> str:
        """The ranking as a LaTeX table with booktabs: the best bold, what is biased marked.

        Args:
            asked: as for `leaderboard`.
        """
        return latex_ranking(self.leaderboard(**asked))

    def html(self) -> str:
        """The page that stands in report.html: answer, curves, health; nothing is fetched."""
        return page_of(self._found)

    def save(self, folder: str | Path) -> Path:
        """Writes the run's tables, its manifest, figures, summary and page into a folder.

        Args:
            folder: made where it is not there.

        Returns:
            The folder, which `load` and the command read.

        Raises:
            BadInput: it cannot be written, or holds files of others where the run's would be.
        """
        path = Path(folder)
        refuse_foreign(path, self.frame.problem.unique())
        make_folder(path)
        if self.plan is None:
            copy_run(self.read.folder, path)
            return path
        codes = codes_by_digest(self.plan)
        write_results(self.plan, self.outcomes, {}, path, codes, trained=self.trained)
        write_report(path)
        return path

    def __repr__(self) -> str:
        ranking = text_ranking(self.leaderboard(), len(self.failures))
        return "\n".join([*changed_lines((self.read, str(self.read.folder))), ranking])

    def _repr_html_(self) -> str:
        first = [*self._specs.values()][:1]
        return html_ranking(self.leaderboard(), [svg_of(draw(spec)) for spec in first])
