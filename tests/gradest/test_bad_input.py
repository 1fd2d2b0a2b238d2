"""What cannot be is one error, which names the argument, its value and what was expected."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import gradest
from gradest import BadInput
from gradest.problems.toys.gaussian import GaussianSquare

SQUARE = "gaussian_square"


def measure(**given):
    return gradest.measure(SQUARE, "pathwise", replicates=400, **given)


ONE = ["pathwise"]


def train(**given):
    return gradest.train(SQUARE, "pathwise", **({"steps": 5} | given))


@pytest.mark.parametrize(
    ("call", "given", "message"),
    [
        (measure, {"samples": 1.5}, "samples = 1.5: expected whole numbers from 1"),
        (measure, {"samples": None}, "samples = None: expected whole"),
        (measure, {"samples": []}, r"samples = \[\]: expected whole"),
        (measure, {"samples": True}, "samples = True: expected whole"),
        (measure, {"samples": [0, 4]}, r"samples = \[0, 4\]: expected whole numbers from 1"),
        (train, {"steps": -1}, "steps = -1: expected whole numbers from 1"),
        (train, {"steps": 20.5}, "steps = 20.5: expected whole"),
        (train, {"num_samples": 2.0}, "num_samples = 2.0: expected whole"),
        (train, {"seeds": []}, r"seeds = \[\]: expected whole numbers from 0"),
        (train, {"evaluate_samples": 0}, "evaluate_samples = 0: expected whole numbers from 2"),
        (train, {"estimator": []}, r"estimator = \[\]: expected at least one"),
        (
            train,
            {"estimator": ["pathwise"], "seeds": [3, 4]},
            r"seeds = \[3, 4\]: expected how many",
        ),
        (
            train,
            {"estimator": ["pathwise"], "checkpoints": 0.5},
            "checkpoints = 0.5: expected whole",
        ),
    ],
)
def test_numbers(call, given, message):
    if "estimator" in given:
        given = {"problem": SQUARE, "steps": 5, **given}
        call = gradest.train
    with pytest.raises(BadInput, match=message):
        call(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samples": 10**12}, r"samples\[0\] = 1000000000000: expected it to be less than"),
        ({"replicates": 2**32}, "replicates = 4294967296: expected it to be less than"),
        ({"replicates": 10**5000}, "replicates = a number of thousands of digits: expected"),
        ({"precision": True}, "precision = True: expected it to be a number"),
        ({"precision": 0.1, "cell_timeout": np.inf}, "cell_timeout = inf: expected it to be a fin"),
        ({"samples": range(1, 60_000)}, "59,999 cells: expected at most 50,000 in one sweep"),
    ],
)
def test_limits(given, message):
    with pytest.raises(BadInput, match=message):
        gradest.measure(SQUARE, "pathwise", **given)


@pytest.mark.parametrize(
    ("make", "name", "given", "message"),
    [
        (gradest.problem, SQUARE, {"k": [1, [2]]}, r"k = \[1, \[2\]\]: expected a finite number"),
        (gradest.problem, SQUARE, {"k": np.ones(2)}, r"k = array\(\[1., 1.\]\): expected a finite"),
        (gradest.problem, SQUARE, {"k": 10**5000}, "k = a number of thousands of digits"),
        (gradest.problem, SQUARE, {"dim": 2**63}, "dim = 9223372036854775808: expected at most"),
        (gradest.estimator, "score_function", {"baseline": None}, "baseline = None: expected one"),
        (gradest.estimator, "score_function", {"baseline": 3}, "baseline = 3: expected one of"),
    ],
)
def test_limits_of_arguments(make, name, given, message):
    with pytest.raises(ValueError, match=message):
        make(name, **given)


def test_an_array_is_no_argument():
    with pytest.raises(BadInput, match=r"k = Array.*: expected one number, not an array"):
        gradest.measure(GaussianSquare(k=np.ones(2)), "pathwise", replicates=400)


def test_what_is_measured_is_a_problem_and_by_estimators():
    with pytest.raises(BadInput, match="problem 3: expected a problem, its class or its name"):
        gradest.measure(3, "pathwise")
    with pytest.raises(BadInput, match="estimator 3: expected an estimator, its class or its name"):
        gradest.measure(SQUARE, [3])


def test_an_argument_is_given_once():
    with pytest.raises(ValueError, match="temperature is there twice"):
        gradest.estimator("gumbel_softmax[temperature=0.1,temperature=0.2]")


def test_errors_of_names_are_value_errors_everywhere():
    for call in (gradest.problem, lambda name: gradest.measure(name, "pathwise", samples=2)):
        with pytest.raises(ValueError, match="did you mean gaussian_square"):
            call("gaussian_sqare")


def test_no_candidate():
    with pytest.raises(BadInput, match=r"estimators = \[\]: expected at least one"):
        gradest.recommend(SQUARE, [], samples=4)


def test_q_is_a_function():
    with pytest.raises(TypeError, match="q: expected a function from θ to a distribution; got a N"):
        gradest.measure(f=jnp.sum, q=dist.Normal(0.0, 1.0), theta={"mean": jnp.zeros(2)})


def test_a_function_to_check_takes_three():
    with pytest.raises(BadInput, match=r"expected one of \(theta, key, num_samples\)"):
        gradest.check(lambda theta, key: theta, problem=SQUARE)


def test_whole_numbers_may_be_numpys():
    assert set(measure(samples=2 ** np.arange(1, 3)).frame.num_samples) == {2, 4}


def test_f_may_count():
    run = gradest.measure(
        f=lambda theta, x: (x > 0.5).sum(),
        q=lambda theta: dist.Bernoulli(logits=theta["logits"]),
        theta={"logits": jnp.zeros(3)},
        estimators="rloo",
        samples=2,
        replicates=400,
    )
    # E f = Σ σ(φ), whose derivative is ¼ at 0; here it is from a reference run
    assert run.frame.exact_norm.item() == pytest.approx(np.sqrt(3) / 4, rel=0.05)


def test_runs_are_compared_by_name_too(tmp_path):
    run = gradest.measure(SQUARE, ["pathwise", "rloo"], samples=2, replicates=400)
    folder = run.save(tmp_path / "kept")
    by_folder = gradest.compare(str(folder), "pathwise", metrics="variance").frame
    assert by_folder.equals(gradest.compare(run, "pathwise", metrics=["variance"]).frame)
    assert len(gradest.compare(run, str(folder)).frame)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"evaluations": "x"}, "evaluations = 'x': expected a number above 0"),
        ({"evaluations": 0}, "evaluations = 0: expected a number above 0"),
        ({"samples": "4"}, "samples = '4': expected a number above 0"),
        ({"budget": "-1ms"}, "budget = '-1ms': expected a time above 0 such as 1ms"),
        ({"budget": 1.0, "samples": 2}, "budget, samples: expected one of them"),
        ({"budget": 1.0, "cost": "batch"}, "cost 'batch': expected one of alone, batched; did you"),
    ],
)
def test_budgets(asked, message):
    run = measure(samples=2)
    with pytest.raises(BadInput, match=message):
        run.leaderboard(**asked)
    with pytest.raises(BadInput, match="no figure: expected two estimators"):
        run.figure("variance")


def test_figures_are_known_by_name():
    run = gradest.measure(SQUARE, ["pathwise", "rloo"], samples=[1, 2, 4], replicates=400)
    assert run.figures
    with pytest.raises(BadInput, match="figure 3: expected one of"):
        run.figure(3)
