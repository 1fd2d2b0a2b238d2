"""Where what is fetched or made once is kept."""

import platformdirs

from gradest.problems.cache import cache_folder


def test_the_cache_is_where_the_environment_says_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADEST_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("GRADEST_CACHE")
        else:
            monkeypatch.setenv("GRADEST_CACHE", unset)
        assert cache_folder() == platformdirs.user_cache_path("gradest")


def test_what_an_earlier_version_left_is_let_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("GRADEST_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "gradvar").mkdir()
    assert "gradvar" not in cache_folder().parts
    assert [path.name for path in tmp_path.iterdir()] == ["gradvar"]
