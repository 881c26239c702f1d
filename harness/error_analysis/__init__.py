"""Error analysis: by label, slice or probability, and differences between two runs."""
