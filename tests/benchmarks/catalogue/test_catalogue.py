"""The catalogue: up to date, and every paper in it can be cited."""

import re
from pathlib import Path

import pytest

from gradest.benchmarks.catalogue.citations import bibtex, cited, key, references, spelled
from gradest.benchmarks.catalogue.facts import bias_in_words, estimator_row
from gradest.benchmarks.catalogue.page import PAGE, page
from gradest.estimators import ESTIMATORS
from gradest.problems import PROBLEMS
from gradest.problems.arguments import nearest

TOP = Path(__file__).parents[3]
CLASSES = {**PROBLEMS, **ESTIMATORS}


def test_the_page_is_that_of_the_classes():
    """`make catalogue` writes it."""
    assert (TOP / PAGE).read_text(encoding="utf-8") == page()


def test_every_link_leads_to_the_class_in_the_repositorys_own_folders():
    text = (TOP / PAGE).read_text(encoding="utf-8")
    links = dict(re.findall(r"\[`(\w+)`\]\(([^)]+)\)", text))
    assert links.keys() == CLASSES.keys()
    for name, link in links.items():
        file = TOP / PAGE.parent / link
        assert f"class {CLASSES[name].__name__}(" in file.read_text(encoding="utf-8")
        assert link.startswith(("../problems/", "../estimators/"))


@pytest.mark.parametrize("name", CLASSES)
def test_every_paper_has_an_entry(name: str):
    for paper in cited(CLASSES[name].source):
        assert paper in references(), (
            f"{paper}: expected an entry in references.toml{nearest(paper, references())}"
        )


def test_references_are_spelled_as_they_are_cited_and_have_keys_of_their_own():
    for words, paper in references().items():
        assert words == spelled(paper)
        assert {"type", "title", "year"} < set(paper)
        assert {"booktitle", "journal", "eprint", "howpublished"} & set(paper), words
    assert len({key(paper) for paper in references().values()}) == len(references())


def test_bibtex_has_each_paper_once_and_balanced_braces():
    text = bibtex(cls.source for cls in CLASSES.values())
    papers = {paper for cls in CLASSES.values() for paper in cited(cls.source)}
    assert len(re.findall(r"^@", text, re.MULTILINE)) == len(papers)
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("score_function", {"variables": "any", "gradient_of_f": False, "unbiased": "yes"}),
        ("pathwise", {"gradient_of_f": True, "unbiased": "where f is smooth", "state": "no"}),
    ],
)
def test_facts_of_estimators_that_everybody_knows(name, facts):
    problems = {name: cls() for name, cls in PROBLEMS.items()}
    row = estimator_row(name, ESTIMATORS[name], problems)
    assert facts.items() <= row.items()
    assert row["evaluations"].startswith("L evaluations of f")


def test_which_variants_learn():
    problems = {name: cls() for name, cls in PROBLEMS.items()}
    row = estimator_row("score_function", ESTIMATORS["score_function"], problems)
    argument, _, values = row["state"].partition(" = ")
    assert argument == "baseline"
    assert {"mean", "moving_average", "optimal"} <= set(values.split(", "))
    assert "leave_one_out" not in values


def test_where_an_estimator_claims_less_the_catalogue_says_why():
    """Whatever is biased by what it is, or by f, has a reason in words; nothing else has."""
    step = PROBLEMS["gaussian_step"]()
    for name, cls in ESTIMATORS.items():
        plain = cls()
        if not plain.claims_unbiased(PROBLEMS["gaussian_square"]()):
            assert bias_in_words(name, "gaussian_square"), name
        if not plain.claims_unbiased(step):
            assert bias_in_words(name, "gaussian_step"), name
    assert bias_in_words("pathwise", "gaussian_step") == "f jumps"
    assert bias_in_words("score_function", "gaussian_square") == ""
    assert bias_in_words("mine:Estimator", "gaussian_step") == ""
