"""What a number was measured with."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import jax

PACKAGES = ("gradvar", "jax", "jaxlib", "numpyro", "equinox", "optax", "numpy", "scipy")


def environment() -> dict[str, str]:
    """Versions and hardware on which results depend: a cell measured with others is measured again."""
    device = jax.devices()[0]
    return {
        **{package: version(package) for package in PACKAGES},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": f"{device.platform}: {device.device_kind}",
        "prng": str(jax.config.jax_default_prng_impl),  # type: ignore[attr-defined]
    }


def git_state() -> dict[str, str | bool | None]:
    """The commit of the code that runs, and whether it has been changed since; None outside a checkout."""
    folder = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", "../problems", "../estimators")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changed is None else bool(changed)}
