"""What a user's code raises is bad input, told with its file and line, and the cause is kept."""

import re

import optax
import pytest

import gradest
from gradest.benchmarks.errors import BadInput
from gradest.estimators.base import Evaluations, SurrogateEstimator
from gradest.problems.toys.gaussian import GaussianSquare


class Broken(SurrogateEstimator):
    """An estimator of a user's that fails when it runs."""

    def surrogate(self, problem, params, state, key, num_samples):
        raise KeyError("mine")

    def refuses(self, problem):
        return None

    def evaluations(self, problem, num_samples):
        return Evaluations(f=num_samples, grad=0)


class NeverRefuses(Broken):
    """One that fails when it is asked."""

    def refuses(self, problem):
        raise SystemExit("mine")


class NeverMade(Broken):
    """One that cannot be made."""

    def __post_init__(self):
        raise RuntimeError("mine")


class BrokenSquare(GaussianSquare):
    """A problem of a user's whose f fails."""

    def objective(self, params, x):
        raise ZeroDivisionError("mine")


def broken(theta, key, num_samples):
    raise ZeroDivisionError("mine")


def broken_update(grads, state, params=None):
    raise AttributeError("mine")


OPTIMIZER = optax.GradientTransformation(lambda params: (), broken_update)


def train(problem="gaussian_square", estimator="pathwise", **given):
    return gradest.train(problem, estimator, steps=1, **given)


CALLS = {
    "train an estimator": (lambda: train(estimator=Broken()), KeyError),
    "ask an estimator": (lambda: train(estimator=NeverRefuses), SystemExit),
    "make an estimator": (lambda: train(estimator=NeverMade), RuntimeError),
    "train on a problem": (lambda: train(BrokenSquare), ZeroDivisionError),
    "train with an optimizer": (lambda: train(optimizer=OPTIMIZER), AttributeError),
    "make a class to check": (lambda: gradest.check(NeverMade), RuntimeError),
    "make an estimator to measure": (
        lambda: gradest.measure("gaussian_square", NeverMade, samples=1),
        RuntimeError,
    ),
    "check a function": (
        lambda: gradest.check(broken, problem="gaussian_square", samples=2, replicates=40),
        ZeroDivisionError,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_error_of_a_users_names_its_file_and_line(name):
    call, cause = CALLS[name]
    with pytest.raises(BadInput) as raised:
        call()
    (line,) = str(raised.value).splitlines()
    assert re.search(rf"test_own_faults\.py:\d+: {cause.__name__}: '?mine'?", line)
    assert type(raised.value.__cause__) is cause


def test_an_error_of_ours_stays_what_it_is(monkeypatch):
    """It is no bad input, and its traceback is wanted."""
    ours = {"__name__": "gradest._train"}
    exec("def fails(*_):\n    raise ZeroDivisionError('ours')", ours)
    monkeypatch.setattr("gradest._train.followed", ours["fails"])
    with pytest.raises(ZeroDivisionError, match="ours"):
        train()
