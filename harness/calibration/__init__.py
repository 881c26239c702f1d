"""Calibration: how often the comparison errs on made-up models of which the truth is known."""
