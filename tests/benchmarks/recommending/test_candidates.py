"""Who is tried, and why others are not."""

import pytest

import gradest
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.recommending.candidates import (
    DIFFERENTIATES,
    VARIANTS,
    candidates_of,
    every_candidate,
    text_of,
)
from gradest.estimators import ESTIMATORS


def test_every_estimator_is_tried_and_each_variant_is_another():
    texts = [text_of(each) for each in every_candidate()]
    assert len(set(texts)) == len(texts) == len(ESTIMATORS) + len(VARIANTS)
    assert set(ESTIMATORS) <= set(texts)
    assert all(text_of(gradest.estimator(text)) == text for text in texts)


def test_what_is_refused_has_the_reason_that_the_estimator_gives():
    problem = gradest.problem("gaussian_square")
    found = candidates_of(problem, every_candidate())
    assert {"pathwise", "score_function", "score_function[control_variate=delta]"} <= set(
        found.fitting
    )
    assert found.left_out["rebar"] == gradest.estimator("rebar").refuses(problem)
    assert not found.faults
    assert found.fitting.keys().isdisjoint(found.left_out)


def test_without_the_gradient_of_f_those_that_differentiate_it_are_left_out():
    problem = gradest.problem("gaussian_square")
    found = candidates_of(problem, every_candidate(), grad_f=False)
    assert found.left_out["pathwise"] == DIFFERENTIATES
    assert not any(each.differentiates_f for each in found.fitting.values())
    assert "measure_valued" in found.fitting


class Shrugs(ESTIMATORS["score_function"]):
    def refuses(self, problem):
        raise RuntimeError("no idea")


def test_one_that_cannot_be_asked_is_at_fault_alone():
    problem = gradest.problem("gaussian_square")
    found = candidates_of(problem, [Shrugs(), gradest.estimator("pathwise")])
    assert list(found.fitting) == ["pathwise"]
    (fault,) = found.faults.values()
    assert "no idea" in fault


def test_nothing_to_measure_is_said_with_the_reasons():
    problem = gradest.problem("gaussian_square")
    with pytest.raises(BadInput, match="nothing to measure: this estimator is made for Bernoulli"):
        candidates_of(problem, [gradest.estimator("disarm")])
    with pytest.raises(BadInput, match=r"estimators = \[\]: expected at least one"):
        candidates_of(problem, [])
