"""Packed execution: texts are laid end to end, so that nothing is computed for padding.

Read scoring.py, then boundaries.py and attention.py.
"""
