"""How estimators are measured, stored, drawn and cited; the command line."""

import os

# the matrix products of the statistics are small: several threads would wait for each other, up to
# twenty times as long
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
