"""What a manifest says of files is right whenever a process is killed, and theirs are let alone."""

import pytest

from gradest.benchmarks.folders.differences import (
    CHANGED,
    OUTDATED,
    OUTDATED_TOO,
    UNFINISHED,
    differences,
)
from gradest.benchmarks.folders.manifest import read_manifest, write_manifest
from gradest.benchmarks.folders.record import Drawing, write_run
from tests.support.folders import Killed, killed_at

ONE = {"measurements.csv": "a\n1\n", "leave_one_out.csv": "b\n1\n"}
TWO = {"measurements.csv": "a\n2\n", "leave_one_out.csv": "b\n2\n"}


def draw(folder, *names, vouched=True):
    """Draws texts under these names."""
    drawing = Drawing(folder, vouched=vouched)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        drawing.begin(name)
        (folder / name).write_text(f"drawn: {name}")
    drawing.finish()


def wrong(folder):
    return {each.file: each.what for each in differences(folder, read_manifest(folder))}


@pytest.mark.parametrize("write", range(4))
def test_a_run_killed_while_it_writes_is_seen_and_mended_by_the_next(tmp_path, write):
    write_run(tmp_path, {"sweep": 1}, ONE)
    with killed_at(write) as put, pytest.raises(Killed):
        write_run(tmp_path, {"sweep": 2}, TWO)
    assert len(put) == write
    assert wrong(tmp_path) == (dict.fromkeys(ONE, UNFINISHED) if write else {})
    write_run(tmp_path, {"sweep": 2}, TWO)
    assert wrong(tmp_path) == {}
    assert read_manifest(tmp_path)["sweep"] == 2


def test_what_was_drawn_is_outdated_by_other_tables_alone(tmp_path):
    write_run(tmp_path, {}, ONE)
    draw(tmp_path, "summary.md", "figures/a.pdf")
    write_run(tmp_path, {"again": True}, ONE)
    assert wrong(tmp_path) == {}
    write_run(tmp_path, {}, TWO)
    assert wrong(tmp_path) == {"summary.md": OUTDATED, "figures/a.pdf": OUTDATED}
    draw(tmp_path, "summary.md", "figures/a.pdf", vouched=False)
    assert wrong(tmp_path) == {"summary.md": OUTDATED, "figures/a.pdf": OUTDATED}
    draw(tmp_path, "summary.md", "figures/a.pdf")
    assert wrong(tmp_path) == {}


@pytest.mark.parametrize("name", [*ONE, "manifest.json"])
def test_what_a_report_refuses_to_draw_again_is_a_runs_to_draw(tmp_path, name):
    """Drawn from tables that were changed, with --unverified."""
    write_run(tmp_path, {}, ONE)
    draw(tmp_path, "summary.md", vouched=False)
    assert wrong(tmp_path) == {"summary.md": OUTDATED}
    path = tmp_path / name
    path.write_text(path.read_text().replace("{", '{"mine": 1,', 1) + " ")
    assert wrong(tmp_path) == {name: CHANGED, "summary.md": OUTDATED_TOO}


def test_only_what_was_drawn_before_and_is_not_drawn_again_is_removed(tmp_path):
    write_run(tmp_path, {}, ONE)
    draw(tmp_path, "summary.md", "figures/old.pdf", "tables/old.tex")
    theirs = ["figures/theirs.pdf", "tables/theirs.tex", "notes.md"]
    for name in theirs:
        (tmp_path / name).write_text("theirs")
    draw(tmp_path, "summary.md", "figures/new.pdf")
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    drawn = {"summary.md", "figures/new.pdf", "manifest.json", *ONE}
    assert left - {".files.lock"} == drawn | set(theirs)
    assert wrong(tmp_path) == {}


@pytest.mark.parametrize("name", ["../x.md", "figures/../x.md", "x.md", "figures/.x.md", "/x.md"])
def test_no_list_of_files_leads_anywhere_else(tmp_path, name):
    """A manifest may come from somebody else."""
    folder = tmp_path / "run"
    folder.mkdir()
    theirs = [tmp_path / "x.md", folder / "x.md", folder / "figures" / ".x.md"]
    write_run(folder, {}, ONE)
    draw(folder, "figures/a.pdf")
    for path in theirs:
        path.write_text("theirs")
    manifest = read_manifest(folder)
    write_manifest(folder, manifest | {"files": manifest["files"] | {name: None}})
    draw(folder, "figures/b.pdf")
    assert [path.read_text() for path in theirs] == ["theirs"] * 3
    assert not (folder / "figures" / "a.pdf").exists()


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    write_run(tmp_path, {}, ONE)
    parts = [".summary.md.0123456789abcdef.part", "figures/.a.pdf.0123456789abcdef.part"]
    theirs = ["figures/mine.part", ".mine.part"]
    (tmp_path / "figures").mkdir()
    for name in parts + theirs:
        (tmp_path / name).write_text("half")
    draw(tmp_path, "figures/a.pdf")
    assert not any((tmp_path / name).exists() for name in parts)
    assert all((tmp_path / name).exists() for name in theirs)


def test_a_manifest_that_nothing_vouches_for_is_let_alone(tmp_path):
    for manifest in ('{"sweep": {}, "checksums": {}}', '{"files": {}, "checksum": "0"}', "no JSON"):
        (tmp_path / "manifest.json").write_text(manifest)
        draw(tmp_path, "figures/a.pdf")
        assert (tmp_path / "manifest.json").read_text() == manifest
