"""Model families, a file each. Importing this makes transformers' Auto classes know our own architectures."""

from __future__ import annotations

from harness.models.families import scratch, transformer_xl, xlnet

scratch.register()
transformer_xl.register()
xlnet.register()
