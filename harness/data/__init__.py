"""Examples turned into what models read: tokenizers, windows, features, batches."""
