"""The training loop over accelerate, its state, and what it measures. Start reading at `loop.py`."""
