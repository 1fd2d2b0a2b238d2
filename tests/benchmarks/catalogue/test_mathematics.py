"""Formulas in Unicode."""

import re

import pytest

from gradest.benchmarks.catalogue.describe import arguments_of, paragraphs
from gradest.benchmarks.catalogue.mathematics import formula, in_unicode
from gradest.benchmarks.cli.plans import wrapped
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS

CLASSES = {**PROBLEMS, **ESTIMATORS}


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_of_tex_is_left_in_any_description(name):
    cls = CLASSES[name]
    texts = [*paragraphs(cls.__doc__), *(each["help"] for each in arguments_of(cls).values())]
    text = in_unicode("\n".join(texts))
    assert not re.search(r"[\\${}^]", text), re.findall(r".{0,20}[\\${}^].{0,20}", text)
    lines = wrapped(text, 60).splitlines()
    assert max(map(len, lines)) <= 60
    assert "".join(text.split()) == "".join("".join(lines).split())


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\frac1L \sum_l \nabla_\theta \log q_\theta(x_l)", "1/L ∑ₗ ∇_θ log q_θ(xₗ)"),
        (r"\frac{a - b}{2 c}", "(a − b)/(2 c)"),
        (r"\frac1{KL}", "1/(KL)"),
        (r"e^{-(t/\lambda)^c}", "exp(−(t/λ)ᶜ)"),
        (r"x^2_{li} + x^{-1}", "x²ₗᵢ + x⁻¹"),
        (r"u^{1/\alpha}", "u**(1/α)"),
        (r"\tilde w_k \hat Z_{-k} \bar f", "w\u0303ₖ Z\u0302₋ₖ f\u0304"),
        (r"\mathrm{softmax}(z / \tau)", "softmax(z / τ)"),
        (r"\sqrt{h^2 \sigma^2} \odot s^\top", "√(h² σ²) ⊙ sᵀ"),
        (r"\sum_{l=1}^{L/2} a_l", "∑ₗ₌₁…(L/2) aₗ"),
        (r"\|x\|_p\, \{y\}\ \unknown", "‖x‖ₚ (y) unknown"),
        ("", ""),
        ("{", ""),
        (r"\frac", "/"),
    ],
)
def test_formulas(tex, text):
    assert formula(tex) == text


def test_only_what_is_between_dollars_is_a_formula():
    assert in_unicode("a_b costs $x_i$ and `y_i`") == "a_b costs xᵢ and `y_i`"


def test_lines_that_go_on_are_indented():
    assert wrapped("  key = 1: some words here", 16) == "  key = 1: some\n      words here"
    assert wrapped("plain words here", 11) == "plain words\nhere"
    assert wrapped("a\n\nb", 10) == "a\n\nb"
