"""Benchmarks: ssot-fix beside its peers, on code that anybody can get. `make bench` runs them."""
