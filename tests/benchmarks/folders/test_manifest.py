"""A manifest that was changed is seen, however it is laid out."""

import json

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.folders.manifest import (
    is_earlier,
    is_whole,
    listed_checksums,
    read_manifest,
    write_manifest,
)

MADE = {"sweep": {"name": "μ", "seed": 0}, "confidence": 0.95, "files": {"a.csv": "00", "b": None}}


@pytest.fixture
def written(tmp_path):
    write_manifest(tmp_path, MADE)
    return tmp_path


def test_it_is_read_as_it_was_written(written):
    manifest = read_manifest(written)
    assert is_whole(manifest)
    assert not is_earlier(manifest)
    assert {key: manifest[key] for key in MADE} == MADE
    assert listed_checksums(manifest) == MADE["files"]


def test_its_layout_does_not_count(written):
    text = json.dumps(read_manifest(written), sort_keys=True, indent=7)
    (written / "manifest.json").write_text(text)
    assert is_whole(read_manifest(written))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seed": 0', '"seed": 1'),
        ('"seed"', '"sede"'),
        ("0.95", "0.96"),
        ('"00"', '"01"'),
        ('"checksum"', '"checksun"'),
        ('"files"', '"filez"'),
        ("null", "true"),
    ],
)
def test_a_change_of_its_content_is_seen(written, old, new):
    path = written / "manifest.json"
    path.write_text(path.read_text().replace(old, new))
    manifest = read_manifest(written)
    assert not is_whole(manifest)
    assert not is_earlier(manifest)


def test_a_single_bit_is_seen_wherever_it_flips(written):
    """Or it is in the layout alone, where it changes nothing."""
    path = written / "manifest.json"
    content = path.read_bytes()
    right = read_manifest(written)
    for position in range(0, 8 * len(content), 5):
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            manifest = read_manifest(written)
        except BadInput:
            continue
        assert manifest == right or not is_whole(manifest)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'"\xff"', b"[" * 100_000])
def test_what_is_no_manifest_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(BadInput, match=r"manifest\.json: expected"):
        read_manifest(tmp_path)


def test_a_folder_in_its_place_is_an_error_and_none_is_none(tmp_path):
    assert read_manifest(tmp_path) is None
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(BadInput, match=r"manifest\.json: Is a directory: expected a file"):
        read_manifest(tmp_path)


def test_that_of_an_earlier_version_knows_its_tables(tmp_path):
    earlier = {"sweep": {}, "checksums": {"measurements.csv": "00"}}
    assert is_earlier(earlier)
    assert not is_whole(earlier)
    assert listed_checksums(earlier) == {"measurements.csv": "00"}
    assert listed_checksums(None) == {}
