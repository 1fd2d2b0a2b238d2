"""How a gradient is estimated. To add an estimator: one class, and one line here."""

from estimators.augment_swap import AugmentSwap
from estimators.base import Cost, Estimator, SurrogateEstimator
from estimators.finite_support import Enumeration, SumAndSample, UnorderedSet, WithoutReplacement
from estimators.gumbel_softmax import GumbelRao, GumbelSoftmax, StraightThroughGumbel
from estimators.measure_valued import MeasureValued
from estimators.pathwise import Pathwise
from estimators.score_function import ScoreFunction
from estimators.stick_breaking import StickBreakingDisarm
from estimators.straight_through import StraightThrough
from estimators.straight_through_surrogates import GappedStraightThrough, ReinMax
from problems.arguments import build

ESTIMATORS: dict[str, type[Estimator]] = {
    "score_function": ScoreFunction,
    "pathwise": Pathwise,
    "measure_valued": MeasureValued,
    "gumbel_softmax": GumbelSoftmax,
    "straight_through_gumbel": StraightThroughGumbel,
    "gumbel_rao": GumbelRao,
    "straight_through": StraightThrough,
    "reinmax": ReinMax,
    "gapped_straight_through": GappedStraightThrough,
    "enumeration": Enumeration,
    "sum_and_sample": SumAndSample,
    "without_replacement": WithoutReplacement,
    "unordered_set": UnorderedSet,
    "arsm": AugmentSwap,
    "disarm_stick_breaking": StickBreakingDisarm,
}


def estimator(name: str, **arguments: object) -> Estimator:
    """The registered estimator `name`.

    >>> estimator("score_function", baseline="leave_one_out").min_samples
    2

    Raises:
        ValueError: an unknown name or argument (naming the nearest), or a refused value.
    """
    return build("estimator", ESTIMATORS, name, arguments)


__all__ = ["ESTIMATORS", "Cost", "Estimator", "SurrogateEstimator", "estimator"]
