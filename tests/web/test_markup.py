"""Escaping happens whether or not a caller thinks of it."""

from __future__ import annotations

import pytest

from app.web.markup import Markup, element, join, style


def test_texts_and_attributes_are_escaped_and_elements_are_not() -> None:
    made = element("p", "<b>", element("i", '"&'), title='"><script>', data_on=True, hidden=False, id=None)

    assert made == '<p title="&quot;&gt;&lt;script&gt;" data-on>&lt;b&gt;<i>&quot;&amp;</i></p>'


def test_void_elements_have_no_end() -> None:
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_joined_markup_stays_markup_and_joined_text_becomes_it() -> None:
    joined = join([element("b", "x"), "<"])

    assert joined == "<b>x</b>&lt;"
    assert isinstance(joined, Markup)
    assert join([joined]) == joined


def test_a_style_is_written_as_it_is_and_cannot_end_its_element() -> None:
    assert style("a > b::before { content: '\"' }") == "<style>a > b::before { content: '\"' }</style>"
    with pytest.raises(ValueError, match="end its element"):
        style("</style><script>")
