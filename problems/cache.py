"""Where gradest keeps what it need not make or fetch twice."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The folder of data sets, checkpoints and compiled programs.

    It is $GRADEST_CACHE, or else `gradest` in the user's cache folder. One that an earlier version
    left, `gradvar`, is neither read nor removed.
    """
    chosen = os.environ.get("GRADEST_CACHE")
    return Path(chosen or platformdirs.user_cache_dir("gradest"))
