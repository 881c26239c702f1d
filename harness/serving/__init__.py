"""Serving: try a finished run's model on a local page or a JSON endpoint."""
