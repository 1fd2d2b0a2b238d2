"""Sweep files: every way in which one can be wrong."""

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep, override, parse_sweep
from tests.support.sweeps import GOOD_SWEEP


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("samples =", "smaples ="),
            "unknown key 'smaples': expected schema, name, seed, replicates, precision",
        ),
        (("samples =", "smaples ="), "did you mean samples?"),
        (("samples = [1, 4]", ""), "samples is missing"),
        (("samples = [1, 4]", "samples = []"), "samples = []: expected"),
        (
            ("samples = [1, 4]", "samples = [1, -4]"),
            "samples[1] = -4: expected it to be greater than or equal to 1",
        ),
        (
            ("samples = [1, 4]", "samples = [1.5]"),
            "samples[0] = 1.5: expected it to be a valid integer",
        ),
        (
            ("samples = [1, 4]", 'samples = [1]\ngenerator = "filox"'),
            "expected it to be 'threefry' or 'philox'; did you",
        ),
        (("schema = 1", "schema = 2"), "schema = 2: expected it to be 1"),
        (('name = "small"', 'name = "../up"'), "name = '../up': expected it to"),
        (
            ("gaussian_square", "gaussian_sqare"),
            "problem 'gaussian_sqare': did you mean gaussian_square? expected a problem that",
        ),
        (("gaussian_square", "gaussian_sqare"), "did you mean gaussian_square?"),
        (("pathwise", "pathwize"), "did you mean pathwise?"),
        (("leave_one_out", "leave_1_out"), "did you mean leave_one_out?"),
        (
            ("k = [-3.0, 3.0]", "q = 1.0"),
            "problem gaussian_square: unknown argument 'q': expected k, mean, scale, dim",
        ),
        (
            ("k = [-3.0, 3.0]", "k = []"),
            "problem gaussian_square: k = []: expected at least one value",
        ),
        (("k = [-3.0, 3.0]", 'k = ["a"]'), "k = 'a': expected a finite number"),
        (("[[estimator]]", "[estimator]"), "not TOML"),
        (
            ('name = "gaussian_square"', "name = []"),
            "name = []: expected it to be a name",
        ),
        (
            ('name = "gaussian_square"', 'name = ["gaussian_square", 3]'),
            "name = ['gaussian_square', 3]: expected it to be a name, or a list of names",
        ),
        (
            ('name = "gaussian_square"', 'name = ["gaussian_square", "gaussian_sqare"]'),
            "problem 'gaussian_sqare': did you mean gaussian_square? expected a problem that",
        ),
        (
            ('name = "gaussian_square"', 'name = ["gaussian_square", "bernoulli_square"]'),
            "problem bernoulli_square: unknown argument 'k': of gaussian_square, bernoulli_square "
            "only gaussian_square has it: expected an entry for each",
        ),
    ],
)
def test_errors_name_key_value_and_what_was_expected(change, message):
    assert change[0] in GOOD_SWEEP
    with pytest.raises(BadInput) as raised:
        resolve(parse_sweep(GOOD_SWEEP.replace(*change), "here"))
    assert message in str(raised.value)


def test_all_errors_come_at_once():
    wrong = GOOD_SWEEP.replace("gaussian_square", "gaussian_sqare").replace("pathwise", "pathwize")
    with pytest.raises(BadInput) as raised:
        resolve(parse_sweep(wrong, "here"))
    assert len(str(raised.value).splitlines()) == 2


def test_an_argument_of_some_names_alone_is_one_error():
    """However many values it has."""
    names = 'name = ["gaussian_square", "bernoulli_square", "categorical_square"]'
    wrong = GOOD_SWEEP.replace('name = "gaussian_square"', names)
    with pytest.raises(BadInput) as raised:
        resolve(parse_sweep(wrong, "here"))
    (line,) = str(raised.value).splitlines()
    assert "problem bernoulli_square, categorical_square: unknown argument 'k'" in line


def test_unknown_presets_and_files():
    with pytest.raises(
        BadInput, match=r"sweep 'quik': expected a file or a preset .*did you mean quick\?"
    ):
        load_sweep("quik")


def test_overrides_hold_for_every_problem_and_are_checked():
    sweep = override(parse_sweep(GOOD_SWEEP, "here"), seed=7, replicates=40)
    assert {(cell.seed, cell.replicates) for cell in resolve(sweep).cells} == {(7, 40)}
    with pytest.raises(BadInput, match="--seed = -1: expected"):
        override(sweep, seed=-1, replicates=None)


def test_a_byte_order_mark_is_no_part_of_a_sweep(tmp_path):
    file = tmp_path / "small.toml"
    file.write_text(GOOD_SWEEP, encoding="utf-8-sig")
    marked = load_sweep(str(file))
    file.write_text(GOOD_SWEEP, encoding="utf-8")
    assert load_sweep(str(file)) == marked


def test_a_file_that_is_not_utf_8_is_said(tmp_path):
    file = tmp_path / "small.toml"
    file.write_text(GOOD_SWEEP, encoding="utf-16")
    with pytest.raises(BadInput, match=r"cannot be read: expected UTF-8; invalid start"):
        load_sweep(str(file))


def test_replicates_are_rounded_up_to_what_splits_with_a_note():
    sweep = parse_sweep(GOOD_SWEEP.replace("4000", "4001").replace("800", "801"), "here")
    assert sweep.replicates == 4002  # 23 batches of 174
    assert sweep.problem[1].replicates == 805  # 23 of 35
    assert sweep.notes == (
        "replicates = 4001: 4002, which splits into equal batches",
        "replicates = 801: 805, which splits into equal batches",
    )
    assert parse_sweep(GOOD_SWEEP, "here").notes == ()
    assert override(sweep, seed=3).notes == sweep.notes
    assert override(sweep, replicates=400).notes == ()
    measured = {cell.replicates for cell in resolve(sweep).cells}
    assert measured == {4002, 805}


def test_a_schema_need_not_be_named():
    assert parse_sweep(GOOD_SWEEP.replace("schema = 1", ""), "here").schema_version == 1
