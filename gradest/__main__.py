"""`python -m gradest` is `gradest`."""

from gradest.benchmarks.cli.main import main

if __name__ == "__main__":
    main()
