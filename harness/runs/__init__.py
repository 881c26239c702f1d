"""One run: its folder, its execution, its results, and their later use."""
