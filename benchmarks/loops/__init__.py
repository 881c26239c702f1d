"""Training loops side by side: the Trainer's, accelerate's and ours, each in a process of its own, turn by turn."""
