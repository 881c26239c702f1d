"""Packed execution: texts are concatenated, so that nothing is computed for padding.

Read scoring.py, then boundaries.py and attention.py; pairs.py for models that generate text.

Batches need no grouping by length here, but are grouped all the same, so that both executions take the same steps and
give the same numbers, and a run's state does not depend on them. Attention in plain torch also benefits, since it
processes texts of similar length together: with random batches, a step takes a tenth longer (6 layers, width 384, 14
tokens per text).
"""
