"""HTML is escaped wherever it is made."""

from __future__ import annotations

from aifactory_runtime.pages.markup import joined, tag


def test_given_text_that_would_be_markup_when_put_in_then_it_is_text() -> None:
    odd = "<script>\"'&"
    made = tag("p", odd, tag("b", odd), title=odd, class_=None, aria_label="x")

    assert made.count("<script") == 0 and made.count("&lt;script&gt;") == 3
    assert made.startswith('<p title="&lt;script&gt;&quot;&#x27;&amp;" aria-label="x">') and made.endswith("</b></p>")
    assert joined(made, None, "<") == made + "&lt;"
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'
    added: str = made + "<x>"
    assert type(added) is str, "what is added to markup is text again"
