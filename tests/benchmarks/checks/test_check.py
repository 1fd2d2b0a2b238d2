"""Every check of `gradest check`, over the registries; and the command itself."""

import functools
import json
import re

import pytest

from gradest.benchmarks.checks.check import FALSE_ALARMS, check, estimator_findings
from gradest.benchmarks.checks.comparisons import Skipped
from gradest.benchmarks.checks.estimator_checks import ESTIMATOR_CHECKS
from gradest.benchmarks.checks.estimator_checks import STATISTICAL as OF_ESTIMATORS
from gradest.benchmarks.checks.problem_checks import PROBLEM_CHECKS
from gradest.benchmarks.checks.problem_checks import STATISTICAL as OF_PROBLEMS
from gradest.benchmarks.checks.trials import EstimatorTrial, ProblemTrial
from gradest.benchmarks.cli.main import main
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.measurement.replicates import forget_programs
from gradest.estimators import Estimator
from gradest.estimators.sampling.couplings import COUPLINGS
from tests.support.variants import PROBLEM_NAMES, VARIANTS, small_problem

PAIRS = [
    (name, label)
    for name in PROBLEM_NAMES
    for label, variant in VARIANTS
    if not variant.refuses(small_problem(name))
]
LEVEL = FALSE_ALARMS / (len(PAIRS) * len(OF_ESTIMATORS) + len(PROBLEM_NAMES) * len(OF_PROBLEMS))
"""One of all these tests fails by chance once in a hundred changes of their seeds."""


@functools.lru_cache(maxsize=1)
def problem_trial(name: str) -> ProblemTrial:
    """Shared by the checks of a problem and of its pairs."""
    return ProblemTrial(name, small_problem(name), LEVEL)


@functools.lru_cache(maxsize=1)
def estimator_trial(name: str, label: str) -> EstimatorTrial:
    """Shared by the checks of a pair, which run one after the other; those before are forgotten."""
    forget_programs()
    return EstimatorTrial(dict(VARIANTS)[label], problem_trial(name))


QUICK_TO_CHECK = {"bernoulli_square", "exponential_toy", "gaussian_square", "gaussian_step"}
"""Problems that `make test` checks; of the others it checks a pair with an estimator."""


def checks_of_problems():
    for problem in PROBLEM_NAMES:
        for name in PROBLEM_CHECKS:
            marks = [] if problem in QUICK_TO_CHECK else [pytest.mark.slow]
            yield pytest.param(problem, name, id=f"{problem}-{name}", marks=marks)


@pytest.mark.parametrize(("problem", "name"), list(checks_of_problems()))
def test_problems(problem: str, name: str):
    run(PROBLEM_CHECKS[name], problem_trial(problem), NOT_OF_PROBLEMS.get((problem, name)))


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


def is_quick(pair: tuple[str, str], check: str) -> bool:
    return pair in CLASSIC or (pair in FIRST and check in BRIEF)


def checks_of_pairs():
    for pair in PAIRS:
        for name in ESTIMATOR_CHECKS:
            marks = [] if is_quick(pair, name) else [pytest.mark.slow]
            yield pytest.param(pair, name, id="-".join((*pair, name)), marks=marks)


@pytest.mark.parametrize(("pair", "name"), list(checks_of_pairs()))
def test_estimators(pair: tuple[str, str], name: str):
    trial = estimator_trial(*pair)
    run(ESTIMATOR_CHECKS[name], trial, reason_to_skip(trial, *pair, name))
    biased = trial.problem_trial.truth is not None and not trial.estimator.claims_unbiased(
        trial.problem
    )
    if name == "unbiasedness" and biased and pair[1] not in HIDDEN_BIAS:
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


def run(function, trial, skipped: str | None) -> None:
    if skipped is None:
        function(trial)
        return
    with pytest.raises(Skipped, match=skipped):
        function(trial)


@pytest.fixture
def run_command(capsys, tmp_path, monkeypatch):
    """Runs a command in an empty folder, with two small problems in the registry.

    Returns status, stdout, stderr.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    few = {name: cls for name, cls in check.__globals__["PROBLEMS"].items() if name in FEW}
    monkeypatch.setitem(check.__globals__, "PROBLEMS", few)

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return ended.value.code, *capsys.readouterr()

    return call


FEW = ("gaussian_cosine", "bernoulli_square")

OWN = """
import jax.numpy as jnp
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.problems.toys.gaussian import GaussianSquare

class Half(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        loss, state = super().surrogate(problem, params, state, key, num_samples)
        return loss / 2, state

class Good(Pathwise):
    pass

class Explodes(Pathwise):
    def surrogate(self, problem, params, state, key, num_samples):
        raise RuntimeError("no idea\\nhow")

class Nothing(Pathwise):
    def refuses(self, problem):
        return "fits nothing at all"

class Shifted(GaussianSquare):
    def expectation(self, mean, scale):
        return super().expectation(mean, scale) + mean

class Abstract(Pathwise):
    def __init__(self, needed):
        pass

number = 3
"""


def test_a_users_estimator_that_is_biased_is_status_four(run_command, tmp_path):
    (tmp_path / "own_estimator.py").write_text(
        OWN.replace("class Shifted(GaussianSquare)", "class Shifted(Half)")
    )
    status, out, err = run_command("check", "own_estimator:Half", "--json")
    found = json.loads(out)
    assert status == 4
    assert (found["target"], found["kind"]) == ("own_estimator:Half", "estimator")
    assert {(f["check"], f["on"]) for f in found["findings"] if f["result"] == "failed"} == {
        ("unbiasedness", "gaussian_cosine")
    }
    assert found["counts"]["failed"] == len(COUPLINGS)  # one for each variant that it inherits
    assert found["counts"]["ran"] == found["counts"]["passed"] + found["counts"]["failed"]
    assert {f["check"] for f in found["findings"]} == set(ESTIMATOR_CHECKS)
    assert all(f["reason"] for f in found["findings"] if f["result"] != "passed")
    assert len(err.splitlines()) == len(COUPLINGS) * len(FEW)


@pytest.mark.slow
def test_a_users_good_estimator_is_status_zero_and_its_own_problem_is_tried(
    run_command, tmp_path, monkeypatch
):
    few = {name: check.__globals__["PROBLEMS"][name] for name in ("gaussian_cosine",)}
    monkeypatch.setitem(check.__globals__, "PROBLEMS", few)
    (tmp_path / "own_good.py").write_text(OWN.replace("+ mean", ""))
    status, out, err = run_command("check", "own_good:Good")
    assert status == 0
    lines = out.splitlines()
    assert lines[0].split() == ["check", "ran", "passed", "failed", "skipped"]
    assert re.fullmatch(r"own_good:Good: (\d+) ran, \1 passed, 0 failed, \d+ skipped", lines[-1])
    assert f"skipped {2 * len(COUPLINGS)} × learned_gradients: trains nothing by gradient" in lines
    assert "own_good:Good on own_good:Shifted: 12 passed" in err


@pytest.mark.slow
def test_a_users_problem_with_a_wrong_truth(run_command, tmp_path):
    (tmp_path / "own_problem.py").write_text(OWN)
    status, out, _ = run_command("check", "own_problem:Shifted")
    assert status == 4
    place = "exact_gradient, own_problem:Shifted on own_problem:Shifted"
    assert f"failed: {place}: expected exact_gradient to be" in out
    assert "13 ran, 11 passed, 2 failed, 0 skipped" in out  # at its defaults and at the ends


def test_what_a_users_class_raises_is_a_failure_in_one_line(run_command, tmp_path):
    (tmp_path / "own_explodes.py").write_text(OWN)
    status, out, err = run_command("check", "own_explodes:Explodes")
    assert status == 4
    place = "failed: shapes, own_explodes:Explodes on own_explodes:Shifted: own_explodes.py:16: "
    assert f"{place}RuntimeError: no idea\n    own_explodes.py:16, in surrogate: raise Run" in out
    assert out.count("failed: ") == 1
    assert re.search(r"\n    and \d+ more from this cause: dtypes, .* and \d+ more on ", out)
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "pathwize",
            "name 'pathwize': did you mean pathwise? expected a name that `gradest list` shows, "
            "or module:Class",
        ),
        ("own_bed:Good", "no module own_bed: expected a file own_bed.py in "),
        ("own_bed:Good", "did you mean own_bad?"),
        (
            "own_bad:God",
            "module own_bad has no God: expected a subclass of Problem or Estimator; "
            "did you mean Good?",
        ),
        ("own_bad:number", "it is no Problem or Estimator: expected a subclass"),
        ("own_bad:Abstract", "cannot be made"),
        ("own_bad:Nothing", "fits no problem that it could be tried on: fits nothing at all"),
        ("own_syntax:A", "module own_syntax fails: own_syntax.py:1: SyntaxError"),
        ("own_needs:A", "module own_needs needs a_module_that_is_not_there, which is not there"),
        ("own_bad:", "expected a module and a class, as in my_module:MyEstimator"),
        (":Good", "expected a module and a class, as in my_module:MyEstimator"),
    ],
)
def test_a_bad_target_is_status_two_and_one_line(run_command, tmp_path, target, message):
    (tmp_path / "own_bad.py").write_text(
        OWN.replace("class Shifted(GaussianSquare)", "class Shifted(Half)")
    )
    (tmp_path / "own_syntax.py").write_text("class A(:\n")
    (tmp_path / "own_needs.py").write_text("import a_module_that_is_not_there\n")
    status, out, err = run_command("check", target)
    assert (status, out) == (2, "")
    last = err.splitlines()[-1]
    assert message in last
    assert last.startswith("gradest: ")
    assert "Traceback" not in err


def test_an_estimator_that_fits_nothing_is_no_success():
    with pytest.raises(BadInput, match="expected a name that `gradest list`"):
        check("nothing", print)
