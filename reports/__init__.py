"""Everything after the run record: comparison, statistics, charts, formats. Never imports torch."""
