"""Which estimator to use of a problem's gradient, and at which L, for what a gradient may cost."""

from collections.abc import Sequence
from dataclasses import replace

from gradest._measure import Named, as_estimators, as_problem
from gradest.benchmarks.comparisons.budgets import budget_of
from gradest.benchmarks.recommending.answers import Best
from gradest.benchmarks.recommending.candidates import every_candidate, text_of
from gradest.benchmarks.recommending.measured import confirmed_at, recommend_measured
from gradest.benchmarks.recommending.ranking import Rules
from gradest.benchmarks.recommending.rendering import Recommendation
from gradest.benchmarks.recommending.rounds import PILOT, SECONDS, Halving
from gradest.problems.base import Problem

__all__ = ["Best", "Recommendation", "recommend"]


def recommend(  # noqa: PLR0913  (a keyword for each thing that users set)
    problem: Problem | type[Problem] | str,
    estimators: Named | Sequence[Named] | None = None,
    *,
    budget: str | float | None = None,
    evaluations: int | None = None,
    samples: int | None = None,
    only_unbiased: bool = False,
    grad_f: bool = True,
    group: str | None = None,
    seconds: float = SECONDS,
    replicates: int = PILOT,
    confirm: bool = False,
) -> Recommendation:
    """Measures estimators, each at the largest L that the budget pays for, and ranks them.

    The error is the relative root mean square error of one estimate. All are measured on common
    random numbers; those that are surely worse are dropped, and the others measured longer, until
    the best is separated from the next. Estimators whose paired ratio to the best one's error may
    be 1, at 95 % over all rounds, are ties. One that is biased may be the best: then the best
    unbiased one is named too. One that points away from the gradient never is.

    Args:
        problem: an instance, a class or a name.
        estimators: the candidates, in the order in which they are measured; all registered ones
            and usual variants, the most used first, where there are none.
        budget: seconds that a gradient may cost, as a number or "1ms", when replicates run batched
            on this machine.
        evaluations: of f and of its gradient together, that it may cost; 128 where nothing is said.
        samples: L.
        only_unbiased: never recommends what claims to be biased or is found to be.
        grad_f: whether the gradient of f may be taken.
        group: of θ, the one that counts; all of θ where it is None.
        seconds: after so many no other estimator is begun; two are measured whatever they are. Of
            the same seed, who is measured and the number of rounds depend on them alone.
        replicates: R of the first round; each later one has twice as many, up to about 50,000.
        confirm: trains θ with the best three, 300 steps of Adam with five seeds, each with its L,
            and says whether the order holds: `.confirmed` has it, and what is shown.

    Returns:
        The ranking, with `.best`.

    Raises:
        BadInput: more than one budget, no such group, or nothing that the budget pays for.

    Example:
        >>> import gradest
        >>> gradest.recommend(
        ...     "gaussian_square", ["pathwise", "rloo"], samples=4, replicates=400
        ... ).best.estimator
        'pathwise'
    """
    limit = budget_of(budget, evaluations, samples)
    measured = as_problem(problem)
    how = Halving(Rules(only_unbiased), group, replicates, seconds)
    chosen = every_candidate() if estimators is None else as_estimators(estimators, measured)
    found = recommend_measured(measured, chosen, limit, how, grad_f=grad_f)
    if not confirm:
        return found
    made = {text_of(each): each for each in chosen}
    verdict = confirmed_at(found.answer, measured, made)
    return replace(found, confirmed={found.answer.place: verdict})
