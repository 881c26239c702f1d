"""Serving: a finished run's model behind a local page and a JSON endpoint, to try it."""
