"""One run: its folder, what it does, what it leaves behind, how it is used again."""
