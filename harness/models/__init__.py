"""Models: families, simple baselines, and their parts."""
