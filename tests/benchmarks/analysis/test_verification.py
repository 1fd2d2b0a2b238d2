"""A folder against what was written there: its files, its manifest, its store."""

import json
import shutil
import sqlite3

import pytest

import gradest
from gradest.benchmarks.analysis.verification import verified_run, verify
from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.manifest import checksum_of, write_manifest
from gradest.benchmarks.report.report import write_report
from gradest.benchmarks.sweeps.plan import resolve
from gradest.benchmarks.sweeps.run import run_sweep
from gradest.benchmarks.sweeps.schema import parse_sweep
from tests.support.folders import as_of_an_earlier_version, edited, without_a_line
from tests.support.sweeps import Quiet

TINY = """
schema = 1
name = "tiny"
replicates = 40
samples = [1, 4, 16]
[[problem]]
name = "gaussian_square"
[[estimator]]
name = ["pathwise", "score_function"]
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    run_sweep(resolve(parse_sweep(TINY, "here")), folder, Quiet())
    write_report(folder)
    return folder


@pytest.fixture
def folder(measured, tmp_path):
    """A copy of it, drawn and with its store, in results/tiny."""
    return shutil.copytree(measured, tmp_path / "results" / "tiny")


def found_in(folder):
    return [each.text for each in verify(folder).differences]


def test_a_run_is_as_it_was_written(folder, run_command):
    found = verify(folder)
    assert found.differences == []
    assert found.cells == 6
    drawn = {path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."}
    assert found.files == len(drawn) - 2  # not the manifest, nor the store
    assert run_command("verify", "tiny") == (
        0,
        f"results/tiny: {found.files} files and 6 cells of the store are as they were written\n",
        "",
    )


@pytest.mark.parametrize(
    "name",
    ["measurements.csv", "leave_one_out.csv", "summary.md", "numbers.tex", "figures", "tables"],
)
def test_a_file_that_was_changed_or_is_missing_is_named(folder, name):
    path = folder / name
    if path.is_dir():
        path = sorted(path.iterdir())[0]
    name = path.relative_to(folder).as_posix()
    content = path.read_bytes()
    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    assert f"{name} was changed after it was written" in found_in(folder)
    path.unlink()
    assert f"{name} is missing" in found_in(folder)
    path.mkdir()
    assert f"{name} is missing" in found_in(folder)


def test_an_edited_manifest_is_named(folder, run_command):
    edited(folder / "manifest.json", '"seed": 0', '"seed": 1')
    assert found_in(folder)[0] == "manifest.json was changed after it was written"
    for words in (
        ("report", "tiny"),
        ("compare", "tiny", "tiny"),
        ("extend", "tiny", "--replicates", "40"),
        ("time", "tiny"),
    ):
        status, out, err = run_command(*words)
        assert (status, out) == (2, "")
        assert "manifest.json was changed after it was written" in err
    (folder / "manifest.json").write_bytes(b"\xff")
    assert found_in(folder) == [
        "manifest.json is no JSON as a run writes it: it was changed or damaged"
    ]
    (folder / "manifest.json").unlink()
    assert found_in(folder) == ["manifest.json is missing: nothing vouches for the other files"]


def test_status_four_and_json(folder, run_command):
    edited(folder / "summary.md", "problem", "Problem")
    status, out, _ = run_command("verify", "tiny", "--json")
    assert status == 4
    found = json.loads(out)
    assert found["differences"] == [
        {"file": "summary.md", "what": "was changed after it was written"}
    ]
    assert (found["folder"], found["cells"]) == ("results/tiny", 6)
    assert run_command("verify", "nothing")[0] == 2


def test_a_store_that_says_otherwise_is_named_in_both_directions(folder):
    """Where a table and its checksum were changed alike, too."""
    with sqlite3.connect(folder / "store.sqlite") as connection:
        (cell,) = connection.execute("select cell from cells limit 1").fetchone()
        connection.execute("delete from cells where cell = ?", (cell,))
    connection.close()
    assert f"measurements.csv has cell {cell}, which the store lacks" in found_in(folder)


def test_a_damaged_cell_of_the_store_is_named(folder):
    with sqlite3.connect(folder / "store.sqlite") as connection:
        (cell,) = connection.execute("select cell from cells limit 1").fetchone()
        connection.execute("update cells set reason = 'other' where cell = ?", (cell,))
    connection.close()
    said = f"store.sqlite is damaged: cell {cell} does not fit its checksum"
    assert said in found_in(folder)


def test_a_table_that_lacks_a_cell_or_has_another_number_is_named(folder):
    path = folder / "measurements.csv"
    text = path.read_text()
    whole = json.loads((folder / "manifest.json").read_text())
    cell = text.splitlines()[1].split(",")[0]
    without = "".join(line for line in text.splitlines(True) if not line.startswith(cell))
    for changed, said in (
        (without, f"measurements.csv lacks cell {cell}, which the store has"),
        (without_a_line(text, 1), f"measurements.csv has 1 row of cell {cell}, the store 2"),
        (text.replace("init", "inis", 1), f"in cell {cell}, column point: 'inis', in the store"),
    ):
        path.write_text(changed)
        write_manifest(folder, vouching_for(whole, path))
        assert len(found_in(folder)) == 1
        assert said in found_in(folder)[0]


def vouching_for(manifest, path):
    """The manifest with the checksum that a table has now."""
    files = manifest["files"] | {path.name: checksum_of(path.read_bytes())}
    return manifest | {"files": files}


def test_a_changed_table_is_refused_by_all_that_use_it(folder, run_command):
    edited(folder / "measurements.csv", "pathwise", "score_function")
    said = "run results/tiny: measurements.csv was changed after it was written; `gradest run`"
    for words in (("report", "tiny"), ("compare", "tiny", "tiny")):
        status, out, err = run_command(*words)
        assert (status, out) == (2, "")
        assert said in err
        assert "--unverified" in err
    with pytest.raises(BadInput, match="unverified=True"):
        gradest.load(folder)


def test_it_is_used_unverified_and_that_is_said(folder, run_command):
    edited(folder / "measurements.csv", "pathwise", "score_function")
    status, _, err = run_command("report", "tiny", "--unverified")
    assert (status, err) == (0, "")
    said = "measurements.csv was changed after it was written"
    first = (folder / "summary.md").read_text().splitlines()[0]
    assert first == f"**Not as measured.** Files were changed after the run: {said}."
    assert found_in(folder)[0] == said
    assert all("draws it" in text for text in found_in(folder) if "figures/" in text)
    status, out, _ = run_command("compare", "tiny", "tiny", "--unverified")
    assert status == 0
    assert out.startswith(f"A: not as measured: {said}\nB: not as measured: {said}\n")
    status, out, _ = run_command("compare", "tiny", "tiny", "--unverified", "--json")
    assert f"A: not as measured: {said}" in json.loads(out)["warnings"]
    run = gradest.load(folder, unverified=True)
    assert said in repr(run).splitlines()[0]
    assert run.summary().splitlines()[0] == first
    assert said in repr(gradest.compare(run, run))


@pytest.mark.slow
def test_a_table_that_is_mended_is_drawn_again_and_all_is_well(folder, run_command):
    right = (folder / "measurements.csv").read_bytes()
    edited(folder / "measurements.csv", "pathwise", "score_function")
    assert run_command("report", "tiny", "--unverified")[0] == 0
    (folder / "measurements.csv").write_bytes(right)
    assert any("summary.md was not drawn from these tables" in text for text in found_in(folder))
    assert run_command("report", "tiny")[0] == 0
    assert found_in(folder) == []


def test_without_leave_one_out_it_is_drawn_and_the_file_is_missing(folder, run_command):
    (folder / "leave_one_out.csv").unlink()
    assert run_command("report", "tiny")[0] == 0
    assert "leave_one_out.csv is not there" in (folder / "summary.md").read_text()
    assert found_in(folder) == ["leave_one_out.csv is missing"]


def test_a_folder_of_an_earlier_version_is_used_with_a_word(folder, run_command):
    as_of_an_earlier_version(folder)
    said = "manifest.json cannot be verified: it has no checksum, an earlier version wrote it"
    assert found_in(folder) == [said]
    assert run_command("verify", "tiny")[0] == 4
    manifest = (folder / "manifest.json").read_bytes()
    for words in (("report", "tiny"), ("compare", "tiny", "tiny")):
        status, _, err = run_command(*words)
        assert status == 0
        assert f"{said}; measurements.csv and leave_one_out.csv agree with it\n" in err
    assert (folder / "manifest.json").read_bytes() == manifest
    edited(folder / "measurements.csv", "pathwise", "score_function")
    status, _, err = run_command("report", "tiny")
    assert status == 2
    assert "measurements.csv was changed" in err


def test_what_a_report_drew_does_not_vouch_for_tables(folder, run_command):
    """Of a manifest that lists nothing: as if a table had been put there by hand."""
    (folder / "manifest.json").unlink()
    status, _, err = run_command("report", "tiny")
    assert status == 2
    assert "manifest.json is missing: nothing vouches for the other files; `gradest run`" in err
    (folder / "store.sqlite").unlink()
    status, _, err = run_command("report", "tiny")
    assert status == 0
    assert "manifest.json is missing: nothing vouches for the other files" in err
    assert (folder / "summary.md").read_text().startswith("**Not verified.** manifest.json is")
    assert not (folder / "manifest.json").exists()
    assert not verified_run(folder).changed
