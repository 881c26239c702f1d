"""Training loops compared: the Trainer's, accelerate's and ours, each in its own process, taking turns."""
