"""tables/paper.tex: it fits a column, TeX takes it, the best is bold and what is biased marked."""

import json
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradest.benchmarks.comparisons.leaderboard import FILED
from gradest.benchmarks.paper.table import MOST_ESTIMATORS, MOST_PLACES, paper_table
from gradest.benchmarks.paper.widths import width_of
from tests.support.tex import COLUMN, compiled, width, widths

STRANGE = ("own:A_b%&µ", "own:$x^2$", r"own:\{~}#", "own:[z]", "own:*")


def board_of(errors, levels=(16,), **columns):
    """A leaderboard.

    Args:
        errors: of estimators, by name, at places, by problem; the budget makes no difference.
        levels: the L that there is a budget for.
        columns: others that all rows have.
    """
    rows = []
    for problem, by_name in errors.items():
        least = min(by_name.values())
        for level in levels:
            rows += [
                dict.fromkeys(FILED)
                | {
                    **{"problem": problem, "problem_args": "{}", "point": "init", "group": "θ"},
                    **{"budget": level, "among": "all", "tie": error == least},
                    **{"estimator": name, "estimator_args": json.dumps({}), "num_samples": level},
                    **{"relative_rmse": error, "relative_rmse_low": error * 0.972},
                    **{"relative_rmse_high": error * 1.028, "biased": False, "status": "ok"},
                    **columns,
                }
                for name, error in by_name.items()
            ]
    return pd.DataFrame(rows, columns=list(FILED))


TWO = {"gaussian_square": {"pathwise": 0.25, "score_function": 1.0}}
TWO["gaussian_cosine"] = {"pathwise": 3.0, "score_function": 0.0123}


def body(text, label):
    """The cells after an estimator's name."""
    line = next(line.strip() for line in text.splitlines() if line.strip().startswith(label))
    return line.removesuffix(r" \\").split(" & ")[1:]


def test_a_column_for_each_place_and_the_best_is_bold():
    text = paper_table(board_of(TWO), "two")
    assert body(text, "pathwise") == [r"\textbf{0.250(7)}", "3.00(8)"]
    assert body(text, "score function") == ["1.00(3)", r"\textbf{0.0123(3)}"]
    assert "(a) Gaussian square" in text
    assert "(b) Gaussian cosine" in text
    assert r"\caption{" in text
    assert r"\label{tab:two}" in text
    assert "dagger" not in text


def test_ties_are_bold_and_what_is_biased_or_unreliable_is_marked():
    both = board_of(TWO, tie=True, biased=True, status="unreliable")
    text = paper_table(both, "two")
    assert text.count(r"\textbf") == 4
    assert body(text, "pathwise")[0] == r"\textbf{0.250(7)}$^\dagger$?"
    assert r"$^\dagger$: biased" in text
    assert "?: unreliable" in text


def test_one_place_has_a_column_for_each_budget():
    text = paper_table(board_of({"gaussian_square": TWO["gaussian_square"]}, (1, 4, 16)), "one")
    assert body(text, "estimator") == ["1", "4", "16"]
    assert "Gaussian square, initialisation" in text


def test_the_largest_budget_of_each_place_is_taken_and_of_all_estimators_alone():
    low = board_of({name: dict.fromkeys(each, 9.0) for name, each in TWO.items()}, (4,))
    unbiased = board_of(TWO, (64,), among="unbiased", relative_rmse=7.0)
    text = paper_table(pd.concat([low, board_of(TWO), unbiased]), "two")
    assert body(text, "pathwise") == [r"\textbf{0.250(7)}", "3.00(8)"]


def test_what_is_left_out_is_said_in_comments():
    places = {f"own:P{i:02}": {"pathwise": 1.0, "lax": 1.2 + i} for i in range(MOST_PLACES + 2)}
    places["own:Alike"] = {"pathwise": 1.0, "lax": 1.05}
    text = paper_table(board_of(places), "many")
    comments = [line for line in text.splitlines() if line.startswith("% Left out")]
    assert [re.search(r"own:\w+", line)[0] for line in comments] == [
        "own:P01",
        "own:P00",
        "own:Alike",
    ]
    assert text.count("own:P") == MOST_PLACES + 2
    names = {f"own:E{i:02}": 1.0 + i for i in range(MOST_ESTIMATORS + 1)}
    text = paper_table(board_of({"own:P": names, "own:Q": names}), "many")
    assert f"% Left out, the farthest from the best: own:E{MOST_ESTIMATORS}." in text


def test_an_exact_estimate_is_zero_and_none_is_a_dash():
    sampled = {"pathwise": 1.0, "lax": 2.0}
    text = paper_table(board_of({"own:P": sampled | {"enumeration": 1e-9}, "own:Q": sampled}), "x")
    assert body(text, "enumeration") == [r"\textbf{0}", "--"]


def test_without_a_truth_there_is_no_table_but_the_reason():
    text = paper_table(board_of(TWO, relative_rmse=float("nan")), "two")
    assert "table}" not in text
    assert "% No table: no relative RMSE is known" in text
    assert all(line.startswith("%") for line in text.splitlines())


NAMES = st.one_of(
    st.sampled_from(["pathwise", "score_function", "straight_through_gumbel", *STRANGE]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40).map(
        lambda text: f"own:{text}"
    ),
)
ERRORS = st.dictionaries(NAMES, st.floats(1e-5, 1e8), min_size=1, max_size=5)


def unbalanced(text):
    """How many braces that are obeyed are left open."""
    return len(re.findall(r"(?<!\\){", text)) - len(re.findall(r"(?<!\\)}", text))


@settings(max_examples=30, deadline=None, database=None, derandomize=True)
@given(st.dictionaries(NAMES, ERRORS, min_size=2, max_size=5), st.booleans(), st.booleans())
def test_it_fits_a_column_whatever_the_names(errors, tie, biased):
    text = paper_table(board_of(errors, tie=tie, biased=biased), "a_b%")
    assert max(widths(text)) <= COLUMN
    obeyed = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert unbalanced(obeyed) == 0
    assert not re.search(r"(?<!\\)(?<!Table)[%#~]", obeyed)
    assert all(
        line.rstrip().endswith((r"\\", r"\\[-1pt]"))
        for line in obeyed.splitlines()
        if " & " in line
    )


def test_the_measure_of_widths_finds_what_is_too_wide():
    text = paper_table(board_of(TWO), "two")
    assert max(widths(text.replace("0.250(7)", "0.250(7)" * 8))) > COLUMN


@pytest.mark.parametrize("text", ["score function", "0.245(8)", "MMMM", "Rao–Blackwell", "ijl.,"])
def test_widths_are_never_less_than_the_font_s(text):
    assert width(text.replace("–", "--")) <= width_of(text)
    assert width(rf"\textbf{{{text.replace('–', '--')}}}") <= width_of(text, bold=True)


def test_tex_takes_it_and_nothing_is_too_wide(tmp_path):
    errors = {
        f"{problem}": {name: 0.1234 * 7.3**i for i, name in enumerate(TABLE)} for problem in STRANGE
    }
    text = paper_table(board_of(errors, tie=True, biased=True, status="unreliable"), "strange_%")
    assert "Overfull" not in compiled(tmp_path, text)
    wide = text.replace("0.123(3)", "0.123(3)" * 8)
    assert "Overfull" in compiled(tmp_path, wide)


TABLE = (*STRANGE, "score_function", "straight_through_gumbel", "double_control_variate")
