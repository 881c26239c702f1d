"""Tables for a paper: one per question, as wide as its columns are, in LaTeX."""
