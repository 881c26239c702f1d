"""Calibration: how often the comparison errs on simulated models whose true scores are known."""
