"""An explanation as a page: one span for each token, its text escaped, its number and its colour."""

from html.parser import HTMLParser
from types import SimpleNamespace

from harness.reporting.explanation import page


class Spans(HTMLParser):
    """Collects the text, title and style of every span, and the names of all elements."""

    def __init__(self):
        super().__init__()
        self.spans, self.elements, self._is_inside = [], [], False

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self._is_inside = tag == "span"
        if self._is_inside:
            self.spans.append({"text": "", **dict(attrs)})

    def handle_endtag(self, tag):
        self._is_inside = False

    def handle_data(self, data):
        if self._is_inside:
            self.spans[-1]["text"] += data


def read(*found):
    reader = Spans()
    reader.feed(page(found))
    reader.close()
    return reader


def explained(tokens, values, label="good"):
    return SimpleNamespace(
        tokens=tokens, values=values, label=label, score=1.5, empty_score=0.5, error=0.01, attention=None
    )


def test_each_token_is_a_span_with_its_own_text_number_and_colour():
    tokens = ("<script>alert(1)</script>", " a&b", ' "x"', "</span>", "")
    found = read(explained(tokens, (2.0, -1.0, 0.0, 0.5, 0.0), label="<b>good</b>"))
    assert [span["text"] for span in found.spans] == list(tokens)
    assert [span["title"] for span in found.spans] == ["+2.0000", "-1.0000", "+0.0000", "+0.5000", "+0.0000"]
    # Red and blue as far as the value is large, by the largest; nothing of either is white.
    assert "rgb(214,96,77)" in found.spans[0]["style"]
    assert "rgb(161,201,225)" in found.spans[1]["style"]
    assert "rgb(255,255,255)" in found.spans[2]["style"]
    assert not {"script", "b"} & set(found.elements)


def test_several_texts_are_on_one_page_and_a_text_without_tokens_is_nothing():
    found = read(explained(("a",), (0.0,)), explained((), ()))
    assert found.elements.count("h2") == 2
    assert [span["text"] for span in found.spans] == ["a"]
