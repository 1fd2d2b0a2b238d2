"""One writer at a time."""

import threading

import pytest

from gradest.benchmarks.errors import StoreInUse
from gradest.benchmarks.folders import lock
from gradest.benchmarks.folders.lock import held
from gradest.benchmarks.sweeps.store import open_store


def test_another_says_that_the_folder_is_in_use(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "WAIT", 0.1)
    with held(tmp_path):
        with pytest.raises(StoreInUse, match="in use: another process writes"), held(tmp_path):
            pass
        with open_store(tmp_path):  # a run that measures does not keep others from drawing
            pass
    with held(tmp_path):
        pass


def test_another_waits_for_its_turn(tmp_path):
    order = []

    def second():
        with held(tmp_path):
            order.append("second")

    with held(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
