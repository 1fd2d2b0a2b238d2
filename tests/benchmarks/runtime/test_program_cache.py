"""Programs on disk: the same numbers, nothing traced, and never another's program."""

import random
import subprocess
import sys

import jax
import numpy as np
import pytest

from gradest.benchmarks.measurement.programs import estimates
from gradest.benchmarks.measurement.replicates import compile_cell, forget_programs, measure
from gradest.benchmarks.runtime import program_cache, source_code
from gradest.benchmarks.runtime.program_cache import (
    Program,
    description,
    digest_of_files,
    keep_in,
    let_jax_keep_in,
    shelf_of,
    traced_files,
    use_compilation_cache,
)
from gradest.estimators import estimator
from gradest.estimators.pathwise.pathwise import Pathwise
from gradest.estimators.sampling import draws
from gradest.problems import PROBLEMS, problem
from gradest.problems.cache import unsealed
from tests.support.house import ROOT

KEY = jax.random.key(7)
PROGRAMS = "gradest.benchmarks.measurement.programs"


@pytest.fixture
def shelf(tmp_path):
    """An empty folder of programs, and JAX's own cache off."""
    shelf_of.cache_clear()
    forget_programs()
    keep_in(tmp_path / "programs")
    yield tmp_path / "programs"
    keep_in(None)
    forget_programs()
    shelf_of.cache_clear()


def measured(name: str, **arguments):
    toy = problem("gaussian_square", k=2.5)
    return measure(
        toy,
        estimator(name, **arguments),
        toy.init_params(KEY),
        num_samples=4,
        replicates=64,
        key=KEY,
        adapt_steps=5,
        least_timed=0,
    ).moments


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("pathwise", {}), ("score_function", {"baseline": "optimal"}), ("measure_valued", {})],
)
def test_a_program_from_disk_is_not_traced_and_gives_the_same_numbers(
    shelf, monkeypatch, name, arguments
):
    first = measured(name, **arguments)
    forget_programs()

    def traced(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(Program, "compile", traced)
    again = measured(name, **arguments)
    for group in first:
        for one, other in zip(first[group], again[group], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("damage", [b"", b"not a program", None])
def test_a_damaged_file_is_made_again(shelf, damage):
    first = measured("pathwise")
    files = [file for file in shelf.rglob("*") if file.is_file()]
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:1000] if damage is None else damage)
    forget_programs()
    np.testing.assert_array_equal(measured("pathwise")["mean"].mean, first["mean"].mean)
    assert all(len(file.read_bytes()) > 1000 for file in files)


def flipped(content: bytes, draw: random.Random) -> bytes:
    """The content with one bit turned over."""
    bit = draw.randrange(8 * len(content))
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def test_a_program_with_a_flipped_bit_is_never_loaded(shelf, monkeypatch):
    measured("pathwise")
    files = [file for file in shelf.rglob("*") if file.is_file()]
    monkeypatch.setattr(program_cache, "deserialize_and_load", lambda *_: "loaded")
    draw = random.Random(0)
    for file in files:
        whole = file.read_bytes()
        assert program_cache.load(file, ()) == "loaded"
        for _ in range(25):
            file.write_bytes(flipped(whole, draw))
            assert program_cache.load(file, ()) is None
        assert file.stat().st_mode & 0o077 == 0


def test_what_jax_keeps_is_sealed(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path / "cache"))
    least = jax.config.jax_persistent_cache_min_compile_time_secs
    use_compilation_cache()
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

    def again():
        jax.clear_caches()
        return jax.jit(lambda x: np.sin(1.0) * x @ x)(np.arange(5.0))

    try:
        right = again()
        (file,) = (tmp_path / "cache" / "xla").glob("jit__lambda*-cache")
        whole = file.read_bytes()
        draw = random.Random(0)
        for _ in range(8):
            file.write_bytes(flipped(whole, draw))
            assert again() == right
            assert unsealed(file) is not None
        monkeypatch.setattr("os.replace", lambda *_: 1 / 0)
        assert again() == right  # read, and not written again
    finally:
        let_jax_keep_in(None)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", least)


def test_another_jax_than_ours_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.delattr("jax._src.compilation_cache.get_file_cache")
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_written_costs_no_run(tmp_path):
    (tmp_path / "file").write_text("no folder")
    forget_programs()
    keep_in(tmp_path / "file" / "programs")
    assert measured("pathwise")["mean"].replicates == 64
    keep_in(None)
    forget_programs()


def test_what_jax_keeps_is_not_kept_here_too(shelf):
    """A program that JAX read from its cache would be written without its functions."""
    for _ in range(2):
        use_compilation_cache()
        measured("pathwise")
        forget_programs()
        keep_in(shelf)
        first = measured("pathwise")
        forget_programs()
        again = measured("pathwise")
        np.testing.assert_array_equal(first["mean"].mean, again["mean"].mean)
        forget_programs()


def test_programs_differ_where_what_is_traced_differs_and_only_there():
    def text(**arguments) -> str | None:
        return description((problem("gaussian_square", **arguments), estimator("measure_valued")))

    assert text(k=1.0) == text(k=2.0, mean=0.5) is not None
    assert text(dim=1) != text(dim=2)
    assert description(problem("bernoulli_square", reduce="sum")) != description(
        problem("bernoulli_square", reduce="mean")
    )
    assert description(estimator("measure_valued", coupled=True)) != description(
        estimator("measure_valued", coupled=False)
    )
    baselines = [
        description(estimator("score_function", baseline=b)) for b in ("none", "mean", "optimal")
    ]
    assert len(set(baselines)) == 3
    assert None not in baselines


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_of_ours_can_be_kept(name):
    small = problem(name, num_images=8) if name.startswith("vae") else problem(name)
    assert description((small, small.init_params(KEY))) is not None


def test_a_class_of_the_users_own_is_traced_each_time(shelf):
    class Mine(Pathwise):
        pass

    Mine.__module__ = "somewhere_else"
    toy = problem("gaussian_square")
    assert description(Mine()) is None
    compile_cell(toy, Mine(), toy.init_params(KEY), num_samples=2, replicates=64, key=KEY)
    # the sums know nothing of the estimator
    assert len([file for file in shelf.rglob("*") if file.is_file()]) == 1


def test_changed_code_has_another_shelf_and_old_ones_go(tmp_path, monkeypatch):
    code = tmp_path / "code.py"
    monkeypatch.setattr(program_cache, "traced_files", lambda module: [code])
    shelves = []
    for version in range(6):
        code.write_text(f"version = {version}")
        shelf_of.cache_clear()
        shelves.append(shelf_of(tmp_path / "programs", PROGRAMS))
    assert len(set(shelves)) == 6
    assert len(list((tmp_path / "programs").iterdir())) == program_cache.MOST_VERSIONS
    assert shelves[-1].is_dir()
    shelf_of.cache_clear()


def test_the_code_of_a_program_is_all_that_it_may_run_through():
    """What the shelf's name is made from: every problem and estimator, and what sums them."""
    files = {path.resolve() for path in traced_files(PROGRAMS)}
    for folder in ("problems", "estimators"):
        ours = {path.resolve() for path in (ROOT / folder).rglob("*.py")}
        assert len(ours) > 25
        assert ours <= files
        files -= ours
    inside = {path.relative_to(ROOT / "benchmarks").as_posix() for path in files}
    assert {
        "measurement/programs.py",
        "runtime/devices.py",
        "runtime/program_cache.py",
        "statistics/moments.py",
    } <= inside
    assert not {path for path in inside if path.startswith(("sweeps/", "cli/", "figures/"))}


def test_a_change_of_any_file_is_a_change_of_the_code(tmp_path):
    copies = []
    for number, path in enumerate(traced_files(PROGRAMS)):
        copy = tmp_path / f"{number}.py"
        copy.write_bytes(path.read_bytes())
        copies.append(copy)
    before = digest_of_files(copies)
    for copy in copies:
        text = copy.read_bytes()
        copy.write_bytes(text + b"# touched\n")
        assert digest_of_files(copies) != before
        copy.write_bytes(text)
    assert digest_of_files(copies) == before


def test_code_that_cannot_be_found_is_an_error(tmp_path, monkeypatch):
    """A key that sees no code would run the programs of old code."""
    with pytest.raises(ValueError, match="expected files, found none"):
        digest_of_files([])
    monkeypatch.setattr(source_code, "package_root", lambda: tmp_path / "gradest")
    with pytest.raises(ValueError, match=r"gradest\.problems: expected modules in .*, found none"):
        traced_files(PROGRAMS)


def rounds_of_the_generator(name: str, **arguments) -> int:
    """How often the compiled estimates of a toy mix bits: in proportion to the draws made."""
    toy = problem("gaussian_square", dim=10)
    subject = estimator(name, **arguments)
    jax.clear_caches()
    program = jax.jit(estimates.function, static_argnames=estimates.static)
    first, stride = np.zeros(1, np.uint32), np.uint32(1)
    lowered = program.lower(
        toy, subject, toy.init_params(KEY), (), KEY, first, stride, num_samples=16, block=50
    )
    return lowered.compile().as_text().count("xor(")


def test_a_draw_is_made_once_however_many_use_it():
    once = rounds_of_the_generator("pathwise")
    assert once > 20
    assert rounds_of_the_generator("score_function") < 1.2 * once
    assert rounds_of_the_generator("score_function", baseline="leave_one_out") < 1.2 * once


def test_without_the_barrier_it_is_made_again(monkeypatch):
    once = rounds_of_the_generator("score_function", baseline="leave_one_out")
    monkeypatch.setattr(draws, "drawn_once", lambda draw: draw)
    again = rounds_of_the_generator("score_function", baseline="leave_one_out")
    assert again > 2 * once


def test_the_shelf_of_programs_is_found_by_several_threads_at_once(tmp_path):
    """CPython 3.11 cannot parse in several threads: `measure` failed where nothing was cached."""
    script = f"""
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import jax
from gradest.benchmarks.measurement.replicates import compile_cell
from gradest.benchmarks.runtime.program_cache import keep_in
from gradest.estimators import estimator
from gradest.problems import problem
keep_in(Path({str(tmp_path)!r}))
square, key = problem("gaussian_square"), jax.random.key(0)
def compile_one(level):
    params = square.init_params(key)
    compile_cell(square, estimator("pathwise"), params, num_samples=level, replicates=400, key=key)
with ThreadPoolExecutor(4) as pool:
    list(pool.map(compile_one, [1, 2, 3, 4]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
