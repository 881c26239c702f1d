"""Hyperparameter tuning: the recipe of every trained model is chosen on validation, with equal budgets."""
