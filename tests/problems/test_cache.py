"""Where what is fetched or made once is kept."""

import platformdirs

from gradest.problems.cache import cache_folder


def test_where_the_cache_is(monkeypatch, tmp_path):
    """Where the environment says, or else the user's."""
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("GRADEST_CACHE")
        else:
            monkeypatch.setenv("GRADEST_CACHE", unset)
        assert cache_folder() == platformdirs.user_cache_path("gradest")


def test_an_earlier_versions_cache(monkeypatch, tmp_path):
    """It is let alone."""
    monkeypatch.delenv("GRADEST_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "gradvar").mkdir()
    assert "gradvar" not in cache_folder().parts
    assert [path.name for path in tmp_path.iterdir()] == ["gradvar"]
