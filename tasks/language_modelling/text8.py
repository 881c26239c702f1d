"""What comes next in 100,000,000 letters of Wikipedia, a to z and blanks? 90, 5 and 5 million letters.

A letter is a byte, so published bits per character are both metrics.
"""

from harness.data.downloads import Download, first_hundred_million
from harness.data.task import Task

task = Task(
    task_type="language_modelling",
    source=Download("text8", "http://mattmahoney.net/dc/text8.zip", 100_000_000, first_hundred_million),
    metrics=("bits_per_character", "bits_per_byte", "perplexity", "pseudo_bits_per_byte", "pseudo_perplexity"),
    licence="GFDL",
    citation="Mahoney 2006, About the Test Data; split of Mikolov et al. 2012",
)
