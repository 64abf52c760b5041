"""What the service costs, measured: ``python -m tests.benchmarks`` (``make bench``)."""
