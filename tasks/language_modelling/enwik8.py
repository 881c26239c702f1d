"""What comes next in the first 100,000,000 bytes of a Wikipedia dump, with markup? 90, 5 and 5 million bytes.

Published figures, "bits per character", count bytes: `bits_per_byte`.
"""

from harness.data.downloads import Download, first_hundred_million
from harness.data.task import Task

task = Task(
    task_type="language_modelling",
    source=Download("enwik8", "http://mattmahoney.net/dc/enwik8.zip", 100_000_000, first_hundred_million),
    metrics=("bits_per_byte", "perplexity", "bits_per_character", "pseudo_bits_per_byte", "pseudo_perplexity"),
    licence="GFDL",
    citation="Mahoney 2006, Large Text Compression Benchmark; split of Chung et al. 2015",
)
