"""Model families, one per file. Importing this registers our own architectures with transformers' Auto classes."""

from __future__ import annotations

from harness.models.families import scratch, transformer_xl, xlnet

scratch.register()
transformer_xl.register()
xlnet.register()
