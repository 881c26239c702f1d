"""Simple baselines: models without a gradient that anything worth its training should beat."""
