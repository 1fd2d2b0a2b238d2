"""Every check of `gradest check`, over the registries."""

from collections.abc import Callable, Container, Iterable
from functools import lru_cache, partial

import pytest

from gradest.benchmarks.checks.check import FALSE_ALARMS, estimator_findings
from gradest.benchmarks.checks.comparisons import Skipped
from gradest.benchmarks.checks.estimator_checks import ESTIMATOR_CHECKS
from gradest.benchmarks.checks.estimator_checks import STATISTICAL as OF_ESTIMATORS
from gradest.benchmarks.checks.problem_checks import PROBLEM_CHECKS
from gradest.benchmarks.checks.problem_checks import STATISTICAL as OF_PROBLEMS
from gradest.benchmarks.checks.trials import EstimatorTrial, ProblemTrial
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.estimators import Estimator
from tests.support.variants import PROBLEM_NAMES, VARIANTS, small_problem

SMALL_PROBLEMS = {name: small_problem(name) for name in PROBLEM_NAMES}

PAIRS = [
    (name, label)
    for name, problem in SMALL_PROBLEMS.items()
    for label, variant in VARIANTS
    if not variant.refuses(problem)
]
LEVEL = FALSE_ALARMS / (len(PAIRS) * len(OF_ESTIMATORS) + len(PROBLEM_NAMES) * len(OF_PROBLEMS))
"""One of all these tests fails by chance once in a hundred changes of their seeds."""


@lru_cache(maxsize=1)
def problem_trial(name: str) -> ProblemTrial:
    """Shared by the checks of a problem and of its pairs."""
    return ProblemTrial(name, SMALL_PROBLEMS[name], LEVEL)


def slow_but(quick: Container, everything: Iterable) -> list:
    """The parameters of a test: all that are not quick are slow."""
    slow = pytest.mark.slow
    return [each if each in quick else pytest.param(each, marks=slow) for each in everything]


QUICK_TO_CHECK = {"bernoulli_square", "exponential_toy", "gaussian_square", "gaussian_step"}
"""Problems that `make test` checks; of the others it checks a pair with an estimator."""


@pytest.mark.parametrize("problem", slow_but(QUICK_TO_CHECK, PROBLEM_NAMES))
def test_problems(problem: str):
    trial = problem_trial(problem)
    checks = {
        name: partial(run, check, trial, NOT_OF_PROBLEMS.get((problem, name)))
        for name, check in PROBLEM_CHECKS.items()
    }
    run_all(checks, problem)


NUMBERLESS = (
    "categorical_decoder",
    "logistic_regression",
    "bayesian_network",
    "vae_gaussian",
    "vae_bernoulli",
    "vae_bernoulli_two_layers",
    "vae_categorical",
    "vae_gaussian_bound",
    "vae_bernoulli_bound",
)

NOT_OF_PROBLEMS = {
    **{(name, "ends_of_range"): "has no number to take to the ends" for name in NUMBERLESS},
    ("gaussian_step", "smoothness"): "claims no smoothness",
    ("vae_gaussian", "exact_gradient"): "states no exact gradient",
    ("vae_gaussian_bound", "exact_gradient"): "states no exact gradient",
}
"""The checks that may be skipped, so that none is by mistake."""


def firsts(place: int) -> set[tuple[str, str]]:
    """The first pair of each problem (place 0), or of each variant of an estimator (place 1)."""
    found: dict[str, tuple[str, str]] = {}
    for pair in PAIRS:
        found.setdefault(pair[place], pair)
    return set(found.values())


CLASSIC = {
    *(("gaussian_square", name) for name in ("score_function", "pathwise", "measure_valued")),
    *(
        ("bernoulli_square", name)
        for name in ("score_function", "rebar", "disarm", "gumbel_softmax")
    ),
}
"""Pairs that `make test` checks wholly."""

FIRST = {pair for pair in firsts(0) if not pair[0].startswith("vae_")} | {
    pair for pair in firsts(1) if "[" not in pair[1]
}
"""Each problem but networks with one estimator, and each estimator, as it comes, on one problem."""

BRIEF = ("shapes", "support_claims", "evaluations", "draws")
"""What `make test` checks of the FIRST pairs; `make test-all` makes every check of every pair."""


@pytest.mark.parametrize("pair", slow_but(CLASSIC, PAIRS), ids="-".join)
def test_estimators(pair: tuple[str, str]):
    trial = EstimatorTrial(dict(VARIANTS)[pair[1]], problem_trial(pair[0]))
    checks = checks_of(trial, pair, ESTIMATOR_CHECKS)
    checks["bias"] = partial(check_bias, trial, pair)
    run_all(checks, " on ".join(reversed(pair)))


@pytest.mark.parametrize("pair", sorted(FIRST - CLASSIC), ids="-".join)
def test_estimators_in_brief(pair: tuple[str, str]):
    trial = EstimatorTrial(dict(VARIANTS)[pair[1]], problem_trial(pair[0]))
    run_all(checks_of(trial, pair, BRIEF), " on ".join(reversed(pair)))


def checks_of(
    trial: EstimatorTrial, pair: tuple[str, str], names: Iterable[str]
) -> dict[str, Callable[[], None]]:
    """The checks of a pair, each with the reason for which it is to be skipped."""
    return {
        name: partial(run, ESTIMATOR_CHECKS[name], trial, reason_to_skip(trial, *pair, name))
        for name in names
    }


def check_bias(trial: EstimatorTrial, pair: tuple[str, str]) -> None:
    """What claims no unbiasedness has a bias that is measured, but for those that are listed."""
    claims_none = not trial.estimator.claims_unbiased(trial.problem)
    if claims_none and trial.problem_trial.truth is not None and pair[1] not in HIDDEN_BIAS:
        assert (trial.bias_p() < LEVEL) != (pair in RIGHT_HERE), (
            "said to be biased, and measured to be"
        )


HIDDEN_BIAS = {"gaussian_smoothing", "spsa"}
"""Their bias of O(c²) is too small to be measured here, or 0 where E f is quadratic.

See test_continuous.
"""


def reason_to_skip(trial: EstimatorTrial, problem: str, label: str, name: str) -> str | None:
    if name == "learned_gradients":
        return None if label in TRAINED else "trains nothing by gradient"
    if name == "unbiasedness":
        no_truth = None if trial.problem.truth else "no exact gradient is known"
        return (
            no_truth
            if trial.estimator.claims_unbiased(trial.problem)
            else "claims no unbiasedness here"
        )
    if name == "draws":
        return "random numbers are drawn in a while loop" if problem in BY_REJECTION else None
    if name == "one_over_samples":
        if label in JOINT or label.split("[")[0] in JOINED:
            return "claims no variance proportional to 1/L"
        return NO_VARIANCE.get((problem, label))
    return None


@pytest.mark.parametrize(("label", "variant"), VARIANTS, ids=[label for label, _ in VARIANTS])
def test_a_refusal_says_why(label: str, variant: Estimator):
    refused = [problem_trial(name) for name in PROBLEM_NAMES if (name, label) not in PAIRS]
    for on in refused:
        findings = list(estimator_findings(label, variant, on))
        assert {f.check: f.result for f in findings if f.result != "skipped"} == {
            "support_claims": "passed"
        }


BY_REJECTION = {
    f"{name}_toy" for name in ("gamma", "beta", "dirichlet", "student_t", "poisson", "von_mises")
} | {"dirichlet_multinomial"}


def variants_of(*names: str) -> set[str]:
    return {label for label, _ in VARIANTS if label.partition("[")[0] in names}


TRAINED = variants_of("relax", "rodeo", "double_control_variate") | {
    "rebar[learned=True]",
    "lax",
    "score_function[baseline=input_dependent]",
}
TRAINED -= {"double_control_variate[learned=False]"}

JOINT = variants_of("arms", "rodeo", "double_control_variate") | {
    "score_function[baseline=leave_one_out]",
    *(
        f"{name}[coupling={c}]"
        for name in ("score_function", "pathwise")
        for c in ("antithetic", "sobol")
    ),
}
"""Each of their terms is made from several samples."""

RIGHT_HERE = {
    *(
        (name, "straight_through[smoothed=both]")
        for name in ("bernoulli_square", "bernoulli_shared")
    ),
    *(
        (name, "reinmax")
        for name in ("bernoulli_square", "bernoulli_shared", "categorical_square", "bandit")
    ),
}
"""Where an estimator that claims nothing is unbiased: f is quadratic in each coordinate."""


NO_VARIANCE = dict.fromkeys(
    [
        ("gaussian_step", "pathwise"),
        ("gaussian_square", "score_function[control_variate=delta]"),
        *(
            (f"bernoulli_{name}", f"measure_valued{uncoupled}")
            for name in ("square", "shared")
            for uncoupled in ("", "[coupled=False]")
        ),
        ("weibull_toy", "score_function[control_variate=first_order]"),
    ],
    "no group has a variance that can be compared",
)
"""On these the estimate is a constant, or, the last, its kurtosis is in the thousands."""


JOINED = ("enumeration", "sum_and_sample", "without_replacement", "unordered_set")
"""Estimators whose draws depend on each other, or are none."""


def run(check: Callable, trial: ProblemTrial | EstimatorTrial, skipped: str | None) -> None:
    """Runs a check, which is to be skipped for the reason given, or not to be skipped."""
    reason = None
    try:
        check(trial)
    except Skipped as raised:
        reason = str(raised)
    if skipped is None:
        assert reason is None, f"skipped: {reason}"
    else:
        assert reason is not None, f"not skipped: {skipped}"
        assert skipped in reason


def run_all(checks: dict[str, Callable[[], None]], where: str) -> None:
    """Runs every check, whatever the others find, and names all that fail."""
    forget_programs()
    failed = {}
    for name, run_one in checks.items():
        try:
            run_one()
        except Exception as error:
            error.add_note(f"in the check {name} of {where}")
            failed[name] = error
    if failed:
        raise ExceptionGroup(f"{where}: {', '.join(failed)}", list(failed.values()))


def test_all_that_fail_are_named():
    checks = {name: partial(run, ESTIMATOR_CHECKS[name], None, None) for name in BRIEF}
    checks["of nothing"] = lambda: None
    with pytest.raises(ExceptionGroup, match=f"a on b: {', '.join(BRIEF)}$") as caught:
        run_all(checks, "a on b")
    assert [error.__notes__ for error in caught.value.exceptions] == [
        [f"in the check {name} of a on b"] for name in BRIEF
    ]


def skips(trial: None) -> None:
    raise Skipped("because of this")


def test_a_skip_is_expected_or_a_failure():
    run(skips, None, "of this")
    with pytest.raises(AssertionError, match="skipped: because of this"):
        run(skips, None, None)
    with pytest.raises(AssertionError):
        run(skips, None, "of that")
    with pytest.raises(AssertionError, match="not skipped: of this"):
        run(lambda trial: None, None, "of this")
