"""A run writes over what a run wrote, and nothing else."""

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders import ownership
from gradest.benchmarks.folders.ownership import copy_run, refuse_foreign
from gradest.benchmarks.sweeps import store

PROBLEMS = ["gaussian_square", "mine:Own"]


def put(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("theirs")
    return path


def test_the_store_has_one_name():
    assert ownership.STORE == store.FILE


@pytest.mark.parametrize(
    "name",
    [
        "summary.md",
        "numbers.tex",
        "measurements.csv",
        "leave_one_out.csv",
        "manifest.json",
        "report.html",
        "figures.py",
        "figures/relative_rmse.svg",
        "figures/bias_gaussian_square.pdf",
        "figures/variance_vs_samples_mine_own_k_3.png",
        "tables/gaussian_square_init_mean.tex",
        "tables/crossovers.md",
    ],
)
def test_a_file_of_others_under_a_name_of_ours_is_refused_before_anything_is_measured(
    run_command, tmp_path, name
):
    theirs = put(tmp_path / "paper", name)
    with pytest.raises(BadInput, match="a run would write over") as caught:
        refuse_foreign(tmp_path / "paper", PROBLEMS)
    assert name in str(caught.value)
    assert "move the files away or choose another --output" in str(caught.value)
    if name == "summary.md":
        status, out, err = run_command("run", "small.toml", "-o", "paper")
        assert (status, out) == (2, "")
        assert "would write over summary.md" in err
    assert [path for path in (tmp_path / "paper").rglob("*") if path.is_file()] == [theirs]
    assert theirs.read_text() == "theirs"


def test_files_of_other_names_are_let_alone(tmp_path):
    for name in ("figures/gaussian_square.png", "figures/bias_of_mine.pdf", "tables/mine.tex"):
        put(tmp_path, name)
    put(tmp_path, "main.tex")
    refuse_foreign(tmp_path, PROBLEMS)
    refuse_foreign(tmp_path / "not_there", PROBLEMS)


def test_where_a_run_was_its_files_may_be_written_again(tmp_path):
    for name, content in (("store.sqlite", ""), ("manifest.json", '{"sweep": {}}')):
        folder = tmp_path / name
        put(folder, "summary.md")
        put(folder, "tables/gaussian_square_init_mean.tex")
        (folder / name).write_text(content)
        refuse_foreign(folder, PROBLEMS)


@pytest.mark.parametrize(
    ("name", "kind"), [("summary.md", "folder"), ("manifest.json", "folder"), ("figures", "file")]
)
def test_a_folder_in_a_files_place_is_refused_wherever_it_is(tmp_path, name, kind):
    put(tmp_path, "store.sqlite")
    put(tmp_path, f"{name}/in_it" if kind == "folder" else name)
    with pytest.raises(BadInput, match=f"{name} is a {kind}: expected a .* that a run wrote"):
        refuse_foreign(tmp_path, PROBLEMS)


def test_a_copy_of_a_run_holds_nothing_else(tmp_path):
    ours = ["measurements.csv", "store.sqlite", "figures/a.pdf"]
    for name in [*ours, "notes.md", ".lock", "nested/measurements.csv"]:
        put(tmp_path / "run", name)
    (tmp_path / "copy").mkdir()
    copy_run(tmp_path / "run", tmp_path / "copy")
    copy_run(tmp_path / "run", tmp_path / "run")
    copied = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "copy").as_posix() for path in copied} == set(ours)
