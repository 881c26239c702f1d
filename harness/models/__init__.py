"""Models: families, simple baselines, and what they are made of."""
