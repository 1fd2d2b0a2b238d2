"""`python -m gradest` is `gradvar`."""

from gradest.benchmarks.cli.main import main

if __name__ == "__main__":
    main()
