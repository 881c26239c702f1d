"""The training loop on accelerate, its state and its measurements. Start reading at `loop.py`."""
