"""Fine-tune pretrained models on real tasks and compare them honestly. Start reading at `harness/runs/execution.py`."""

__version__ = "0.1.0"
