"""What is refused before libraries end the process for it."""

import resource

import pytest

from gradest.benchmarks.errors import BadInput
from gradest.benchmarks.runtime.processes import GIB, refuse_little_address_space


@pytest.fixture
def limit(monkeypatch):
    """Sets what `ulimit -v` says."""

    def put(value: int) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (value, resource.RLIM_INFINITY))

    return put


def test_too_little_address_space_is_refused(limit):
    limit(GIB)
    refuse_little_address_space(with_jax=False)
    with pytest.raises(BadInput, match=r"^address space \(ulimit -v\): 1.00 GiB; expected at leas"):
        refuse_little_address_space(with_jax=True)
    limit(GIB // 2)
    with pytest.raises(BadInput, match=r"0.50 GiB; expected at least 0.75 GiB"):
        refuse_little_address_space(with_jax=False)


@pytest.mark.parametrize("value", [resource.RLIM_INFINITY, 1024 * GIB])
def test_enough_is_not(limit, value):
    limit(value)
    refuse_little_address_space(with_jax=True)


def test_a_command_is_refused_before_it_imports_jax(limit, run_command):
    limit(GIB)
    status, out, err = run_command("list")
    assert (status, out) == (2, "")
    assert err.startswith("gradest: address space")
