"""Tests that start Apache Spark; `make test-spark` runs them."""
