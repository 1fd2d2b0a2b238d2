"""What stands for a class of a user's whose module raises as it is imported: its cells fail.

All that such an object is asked raises what the import did, as a line; the other cells of its sweep
are measured.
"""

from typing import Any, ClassVar, NoReturn

import equinox as eqx
from jaxtyping import Array

from gradest.estimators.base import Estimator, Evaluations
from gradest.problems.base import Params, Problem


class UnimportedProblem(Problem):
    """Stands for a problem."""

    fault: str = eqx.field(static=True)

    named: ClassVar[bool] = False

    def init_params(self, key: Array) -> Params:
        raise ValueError(self.fault)

    def distribution(self, params: Params) -> Any:
        raise ValueError(self.fault)

    def objective(self, params: Params, x: Array) -> Array:
        raise ValueError(self.fault)


class UnimportedEstimator(Estimator):
    """Stands for an estimator."""

    fault: str = eqx.field(static=True)

    unbiased: ClassVar[bool] = False
    source: ClassVar[str] = ""

    def refuses(self, problem: Problem) -> str | None:
        raise ValueError(self.fault)

    def estimate(self, *_: Any) -> NoReturn:
        raise ValueError(self.fault)

    def evaluations(self, problem: Problem, num_samples: int) -> Evaluations:
        raise ValueError(self.fault)


UNIMPORTED = {"problem": UnimportedProblem, "estimator": UnimportedEstimator}
"""By the kind of what could not be imported."""
