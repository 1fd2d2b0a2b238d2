"""Every product that JAX makes for us has all its digits, whatever JAX is set to.

Read in the programs themselves: JAX writes each that it compiles into a folder.
"""

import re
from collections import Counter
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
import pytest

import gradest
from gradest.benchmarks.cells.alone import gradient_alone
from gradest.benchmarks.cells.minibatches import data_spread
from gradest.benchmarks.measurement.checkpoints import params_at
from gradest.problems.base import Params, Problem, WithData
from gradest.problems.variational.vae import VAEBernoulli

PRODUCT = re.compile(r"stablehlo\.(?:dot_general|convolution|dot)\b.*")
FULL = re.compile(r"precision = \[HIGHEST, HIGHEST\]|precision HIGHEST, precision HIGHEST")
MATRIX = jnp.eye(3) + 0.25


class Products(Problem):
    """A product wherever a user may write one: in θ's start, in q, and in f."""

    with_truth: ClassVar[bool] = False

    def init_params(self, key) -> Params:
        return {"mean": MATRIX @ jnp.ones(3)}

    def distribution(self, params: Params):
        return dist.Normal(MATRIX @ params["mean"], 1.0).to_event(1)

    def objective(self, params: Params, x):
        return x @ (MATRIX @ x)

    def exact_gradient(self, params: Params):
        if not self.with_truth:
            return None
        return {"mean": MATRIX.T @ (MATRIX + MATRIX.T) @ (MATRIX @ params["mean"])}


class KnownProducts(Products):
    with_truth = True


class Rows(WithData):
    """f has a term for each data point."""

    rows: jax.Array = None
    data_fields: ClassVar = ("rows",)

    def __post_init__(self):
        self.rows = jnp.ones((4, 3))

    def init_params(self, key) -> Params:
        return {"mean": jnp.ones(3)}

    def distribution(self, params: Params):
        return dist.Normal(params["mean"], 1.0).to_event(1)

    def objective(self, params: Params, x):
        return jnp.square(self.rows @ x).mean()

    def exact_gradient(self, params: Params):
        return {"mean": 2 * self.rows.T @ (self.rows @ params["mean"]) / len(self.rows)}


def measured(problem, estimators=("pathwise", "rloo", "relax", "lax"), **settings):
    kinds = [each for each in estimators if not gradest.estimator(each).refuses(problem)]
    settings = {"replicates": 40, "reference_replicates": 40, "adapt_steps": 2} | settings
    run = gradest.measure(problem, kinds, samples=2, **settings)
    assert set(run.frame.status) <= {"ok", "unreliable"}


def alone():
    problem, estimator = Products(), gradest.estimator("lax")
    params = {"mean": jnp.ones(3)}
    one = gradient_alone(problem, estimator, params, jax.random.key(0), 2)
    assert one.seconds() > 0  # as it is timed, outside of what compiled it


def checked(target, **options):
    assert gradest.check(target, **options)


def function(theta, key, num_samples):
    x = MATRIX @ theta["mean"] + jax.random.normal(key, (num_samples, 3))
    return {"mean": MATRIX.T @ (x @ (MATRIX + MATRIX.T)).mean(0)}


def three_functions():
    gradest.measure(
        estimators="rloo",
        samples=2,
        replicates=40,
        f=lambda theta, x: x @ (MATRIX @ x) + (MATRIX @ theta).sum(),
        q=lambda theta: dist.Normal(MATRIX @ theta, 1.0),
        theta=jnp.ones(3),
        reference_replicates=40,
    )


PROGRAMS = {
    "measurement, reference run": (lambda: measured(Products()), {"estimates", "warm_up_leaves"}),
    "exact gradient": (lambda: measured(KnownProducts(), ["pathwise"]), {"exact_vectors"}),
    "float64": (lambda: measured(KnownProducts(), ["pathwise"], dtype="float64"), {"estimates"}),
    "three functions": (three_functions, {"estimates"}),
    "trained θ": (
        lambda: params_at(VAEBernoulli(hidden_dim=5, latent_dim=3, train_steps=2), 0),
        {"_train"},
    ),
    "data points": (
        lambda: data_spread(Rows(), Rows().init_params(jax.random.key(0))),
        {"squared_deviations"},
    ),
    "one gradient alone": (alone, {"gradient"}),
    "training": (
        lambda: gradest.train(Products(), "pathwise", steps=2, evaluate_samples=2),
        {"advanced_leaves", "sums_of_f"},
    ),
    "check of a function": (
        lambda: checked(function, problem=Products, samples=2, replicates=40),
        {"estimate"},
    ),
    "check of a problem": (lambda: checked(KnownProducts()), {"objectives"}),
}
"""What makes programs, and some of those that it makes, by their functions' names."""


@pytest.fixture
def dumped(tmp_path, monkeypatch):
    """The folder of every program, with JAX set to few digits, in every thread."""
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path / "cache"))
    settings = {"jax_dump_ir_to": str(tmp_path / "ir"), "jax_default_matmul_precision": "bfloat16"}
    before = {name: jax.config.values[name] for name in settings}
    jax.clear_caches()
    for name, value in settings.items():
        jax.config.update(name, value)
    yield tmp_path / "ir"
    for name, value in before.items():
        jax.config.update(name, value)


def products_in(folder):
    """By the name of each program, its products and those of them that have all digits."""
    all_of, full = Counter(), Counter()
    for file in folder.glob("*.mlir"):
        name = re.search(r"jit_(\w+)_compile", file.name)
        for line in PRODUCT.findall(file.read_text()):
            all_of[name[1] if name else file.name] += 1
            full[name[1] if name else file.name] += bool(FULL.search(line))
    return all_of, full


KINDS = [
    pytest.param(kind, marks=pytest.mark.slow if kind.endswith("problem") else ())
    for kind in PROGRAMS
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_product_has_all_its_digits(kind, dumped):
    make, expected = PROGRAMS[kind]
    make()
    all_of, full = products_in(dumped)
    assert expected <= all_of.keys()
    assert all_of == full


def test_a_program_with_few_digits_is_found(dumped):
    jax.jit(lambda x: x @ x)(jnp.ones((3, 3))).block_until_ready()
    all_of, full = products_in(dumped)
    assert (all_of.total(), full.total()) == (1, 0)
