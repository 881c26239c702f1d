"""LaTeX tables for a paper: one per question, no wider than their columns need."""
