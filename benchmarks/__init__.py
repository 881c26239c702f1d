"""Races. A package in full, because pyarrow 17 installs a `benchmarks` of its own, which a mere folder gives way to."""
