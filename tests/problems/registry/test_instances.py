"""What a cell's name is made from, where arguments came after cells had been named without them."""

import json

import pandas as pd
import pytest

from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep
from gradest.problems import PROBLEMS, problem
from gradest.problems.arguments import arguments, defaults
from gradest.problems.registry.instances import Choice, latecomers
from tests.support.house import ROOT

LATER = {
    name: sorted(key for key, argument in arguments(cls).items() if argument.later)
    for name, cls in PROBLEMS.items()
}


def test_who_has_arguments_that_came_later():
    assert LATER["vae_bernoulli"] == [
        "activation",
        "binarised",
        "centred",
        "initialisation",
        "prior",
        "slope",
    ]
    assert LATER["gaussian_square"] == []


@pytest.mark.parametrize("name", [name for name in PROBLEMS if LATER[name]])
def test_at_its_default_it_is_in_no_name(name):
    cls = PROBLEMS[name]
    usual = Choice.of(PROBLEMS, name, {})
    said = Choice.of(PROBLEMS, name, {key: defaults(cls)[key] for key in LATER[name]})
    assert usual == said == Choice.of_instance(PROBLEMS, cls())
    assert usual.named_by.keys() == arguments(cls).keys() - set(LATER[name])
    assert not [key for key in LATER[name] if f"{key}=" in usual.label]
    assert json.loads(usual.json).keys() == arguments(cls).keys()


def test_elsewhere_it_is():
    leaky = {"activation": "leaky_relu", "slope": 0.3}
    choice = Choice.of(PROBLEMS, "vae_bernoulli", leaky)
    assert "slope=0.3" in choice.label
    assert choice.unnamed == {"binarised", "centred", "initialisation", "prior"}
    assert choice == Choice.of_instance(PROBLEMS, problem("vae_bernoulli", **leaky))
    assert latecomers(PROBLEMS["vae_bernoulli"], leaky) == choice.unnamed


def test_cells_of_the_reference_run_have_their_names():
    """Those that version 0.3 measured, and no revision changed, are those of its preset now."""
    then = set(pd.read_csv(ROOT / "results" / "reference" / "measurements.csv").cell)
    now = {cell.id: cell.problem.name for cell in resolve(load_sweep("default")).cells}
    kept = {now[each] for each in then & now.keys()}
    assert kept >= {"vae_bernoulli", "vae_gaussian", "logistic_regression"}
