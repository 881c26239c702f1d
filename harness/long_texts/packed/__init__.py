"""Packed execution: texts are laid end to end, so that nothing is computed for padding.

Read scoring.py, then boundaries.py and attention.py; pairs.py for models that write.

Batches need no grouping by length here, and are grouped all the same. So both executions take the same steps and give
the same numbers, and a run's state knows nothing of them. Attention in plain torch gains by it too, since it takes
texts of nearly the same length together: in random batches, a step takes a tenth longer (6 layers, 384 wide, 14 tokens
a text).
"""
