"""Benchmarks. A regular package, because pyarrow 17 installs its own `benchmarks`, which would hide a plain folder."""
