"""Simple baselines without gradients, which any trained model should outperform."""
