"""What no sweep may ask for: each is one clear error, in a file, from Python and as an option."""

import pytest

import gradest
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.limits import MOST_BYTES, MOST_COMPLAINTS
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.schema import load_sweep, parse_sweep
from gradest.benchmarks.sweeps.selection import lengthened
from gradest.benchmarks.sweeps.timing import time_run
from tests.support.sweeps import GOOD_SWEEP, Quiet

LEVELS = "samples = [1, 4]"
K = "k = [-3.0, 3.0]"
BASELINE = 'baseline = ["none", "leave_one_out"]'
NAME = 'name = "small"'

CASES = [
    # what is no choice, no number, no list of values
    ((BASELINE, "baseline = 3"), "baseline = 3: expected one of none, mean"),
    ((BASELINE, "baseline = [3]"), "baseline = 3: expected one of none, mean"),
    ((BASELINE, "baseline = {}"), "baseline = {}: expected one of none, mean"),
    ((BASELINE, "baseline = true"), "baseline = True: expected one of none"),
    ((BASELINE, "baseline = 1979-05-27"), "baseline = datetime.date(1979, 5, 27): expected one"),
    ((BASELINE, 'baseline = [["none"]]'), "baseline = [['none']]: expected a value or a list of"),
    ((K, "k = [[1.0, 2.0]]"), "problem[0]: k = [[1.0, 2.0]]: expected a value or a list of values"),
    ((K, "k = true"), "k = True: expected a finite number"),
    ((K, "k = nan"), "k = nan: expected a finite number"),
    ((K, "k = inf"), "k = inf: expected a finite number"),
    ((K, "k = 1e300"), "k = 1e+300: expected a finite number in float32"),
    ((K, "scale = 1e-300"), "scale = 1e-300: expected a finite number above 0 in float32"),
    ((K, "k = {a = 1}"), "k = {'a': 1}: expected a finite number"),
    ((LEVELS, "samples = [true]"), "samples[0] = True: expected it to be a valid integer"),
    ((LEVELS, f"{LEVELS}\nprecision = true"), "precision = True: expected it to be a number"),
    ((LEVELS, f'{LEVELS}\nprecision = "0.1"'), "precision = '0.1': expected it to be a number"),
    ((LEVELS, f"{LEVELS}\nprecision = nan"), "precision = nan: expected it to be a finite"),
    ((LEVELS, f"{LEVELS}\ncell_timeout = inf"), "cell_timeout = inf: expected it to be a finite"),
    # too deep, too long, too many
    ((K, f"k = {'[' * 900}{']' * 900}"), "nested too deeply"),
    ((K, f"k = {'9' * 5000}"), "expected numbers of at most 4,300 digits"),
    ((K, f"k = {list(range(1001))}"), "problem[0]: 1,001 combinations of its arguments: expected"),
    (
        (K, f"k = {list(range(1000))}\nmean = {list(range(1000))}"),
        "problem[0]: 1,000,000 combinations of its arguments: expected at most 1,000",
    ),
    ((LEVELS, f"samples = {list(range(1, 9000))}"), "53,997 cells: expected at most 50,000 in one"),
    ((LEVELS, f"{LEVELS}\n{LEVELS}"), "not TOML: Cannot overwrite a value"),
    # too large
    ((LEVELS, "samples = [1000000000000]"), "samples[0] = 1000000000000: expected it to be less"),
    (("= 4000", "= 4294967296"), "replicates = 4294967296: expected it to be less than or equal"),
    (("= 800", "= 4294967296"), "problem[1].replicates = 4294967296: expected it to be less"),
    ((LEVELS, f"{LEVELS}\nreference_replicates = 4294968000"), "expected it to be less than or eq"),
    ((LEVELS, f"{LEVELS}\nadapt_steps = 1000001"), "adapt_steps = 1000001: expected it to be less"),
    ((LEVELS, f"{LEVELS}\nseed = 4294967296"), "seed = 4294967296: expected it to be less than"),
    ((K, "dim = 9223372036854775807"), "dim = 9223372036854775807: expected at most 16,777,216"),
    (
        ('"gaussian_square"\nk = [-3.0, 3.0]', '"categorical_square"\ncategories = 10000000000'),
        "categories = 10000000000: expected at most 16,777,216",
    ),
    (
        ('"gaussian_square"\nk = [-3.0, 3.0]', '"plackett_luce_square"\nitems = 20000'),
        "L = 4: an array of 1,600,000,000 numbers: expected at most 268,435,456",
    ),
    (
        ('"gaussian_square"\nk = [-3.0, 3.0]', '"vae_gaussian"\ntrain_steps = 10000000000'),
        "train_steps = 10000000000: expected at most 1,000,000",
    ),
    (
        ('"gaussian_square"\nk = [-3.0, 3.0]', '"vae_gaussian"\nhidden_dim = 16000000'),
        "θ: an array of 2,464,000,080 numbers: expected at most 268,435,456",
    ),
    # no name of a folder
    ((NAME, 'name = ".."'), "name = '..': expected it to match pattern"),
    ((NAME, 'name = "a/b"'), "name = 'a/b': expected it to match pattern"),
    ((NAME, 'name = "a\\nb"'), r"name = 'a\nb': expected it to match pattern"),
    ((NAME, f'name = "{"a" * 10000}"'), "expected it to have at most 100 characters"),
]


@pytest.mark.parametrize(("edit", "message"), CASES, ids=[message for _, message in CASES])
def test_each_limit_is_named(edit, message):
    assert edit[0] in GOOD_SWEEP
    text = GOOD_SWEEP.replace(*edit, 1)
    with pytest.raises(BadInput) as raised:
        resolve(parse_sweep(text, "here"))
    assert message in str(raised.value)
    assert max(map(len, str(raised.value).splitlines())) < 400


def test_many_complaints_are_cut():
    wrong = ", ".join(['"x"'] * 1000)
    with pytest.raises(BadInput) as raised:
        parse_sweep(GOOD_SWEEP.replace(LEVELS, f"samples = [{wrong}]"), "here")
    lines = str(raised.value).splitlines()
    assert len(lines) == MOST_COMPLAINTS + 1
    assert lines[-1] == f"… and {1000 - MOST_COMPLAINTS} more"


def test_complaints_cannot_speak_to_the_terminal():
    text = GOOD_SWEEP.replace("[[estimator]]", '"a\\nb\\u001b[2J" = 1\n[[estimator]]', 1)
    with pytest.raises(BadInput) as raised:
        resolve(parse_sweep(text.replace("bernoulli_square", "x\\ny\\u001b[2Jz"), "here"))
    assert all(line.isprintable() for line in str(raised.value).splitlines())


def test_files_that_are_no_sweeps(run_command, tmp_path):
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "binary.toml").write_bytes(bytes(range(256)))
    (tmp_path / "large.toml").write_bytes(b"#" * (MOST_BYTES + 1))
    for name, message in (
        ("folder.toml", "sweep 'folder.toml': expected a file or a preset"),
        ("binary.toml", "sweep binary.toml: cannot be read"),
        ("large.toml", f"sweep large.toml: expected a file of at most {MOST_BYTES:,} bytes"),
        ("x" * 10_000, "expected a file or a preset"),
    ):
        status, out, err = run_command("plan", name)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert message in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seed", "4294967296"), "--seed = 4294967296: expected it to be less than 4294967296"),
        (("--replicates", "4294967296"), "--replicates = 4294967296: expected it to be less than"),
        (("--replicates", "9" * 5000), "not a valid integer"),
        (("--precision", "nan"), "--precision = nan: expected it to be a finite number"),
        (("--precision", "0.1", "--cell-timeout", "inf"), "--cell-timeout = inf: expected it to"),
        (("--precision", "0.1", "--max-replicates", "4294967296"), "--max-replicates = 4294967296"),
        (("--generator", "x" * 10_000), "expected it to be 'threefry' or 'philox'"),
    ],
)
def test_options_have_the_same_limits(run_command, options, message):
    status, out, err = run_command("plan", "small.toml", *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_longer_run_is_within_them_too():
    sweep = parse_sweep(GOOD_SWEEP, "here")
    assert lengthened(sweep, 4000).replicates == 8000
    with pytest.raises(BadInput, match="--replicates 4294964000: R would be 4294968000: expected"):
        lengthened(sweep, 4_294_964_000)
    with pytest.raises(BadInput, match="expected at most 4,294,967,295"):
        lengthened(sweep, 10**5000)


def test_a_run_is_timed_in_so_many_processes(tmp_path):
    plan = resolve(parse_sweep(GOOD_SWEEP, "here"))
    with pytest.raises(BadInput, match="--processes 1000000: expected at most 1,000"):
        time_run(plan, tmp_path, 10**6, Quiet())


@pytest.mark.parametrize(
    "words", [("describe",), ("check",), ("compare", "x", "--reference"), ("report",), ()]
)
def test_long_names_are_shortened(run_command, words):
    status, _, err = run_command(*words, "x" * 10_000)
    assert status == 2
    assert len(err) < 1000


def test_runs_of_impossible_names_are_not_there():
    for name in ("x" * 10_000, "a\0b"):
        with pytest.raises(BadInput, match=r"its measurements\.csv is not there"):
            gradest.load(name)
        with pytest.raises(BadInput, match="expected a file or a preset"):
            load_sweep(name)
