"""A device that says how much memory it has, as a GPU does and a processor does not."""

from typing import NamedTuple

import pytest

from gradest.benchmarks.runtime import devices


class MadeDevice(NamedTuple):
    """What is asked of a device."""

    stats: dict[str, int] | None

    def memory_stats(self) -> dict[str, int] | None:
        return self.stats


def with_memory(monkeypatch: pytest.MonkeyPatch, limit: int, used: int = 0) -> None:
    """From here on the first device says that it has so many bytes, and how many are taken."""
    made = MadeDevice({"bytes_limit": limit, "bytes_in_use": used})
    monkeypatch.setattr(devices.jax, "local_devices", lambda: [made])
