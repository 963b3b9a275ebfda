"""News from stream and REST as headlines."""

from tidegate.venues.alpaca.mapping.reading import Reader
from tidegate.venues.alpaca.mapping.times import raw_ns
from tidegate.venues.alpaca.wire.market import News
from tidegate.venues.alpaca.wire.reference import NewsItem
from tidegate.venues.port import Headline


def headline(news: News, recv_ns: int) -> Headline:
    """Return a piece of news of the stream.

    Raises:
        ValueError: it has no time.
    """
    return Headline(
        news_id=str(news.id or ""),
        symbols=tuple(news.symbols or ()),
        title=news.headline or "",
        summary=news.summary or "",
        source=news.source or "",
        url=news.url or "",
        ts_ns=raw_ns(news.created_at),
        recv_ns=recv_ns,
    )


def headline_of_item(item: NewsItem) -> Headline:
    """Return a piece of news of REST; time 0: it has none."""
    return Headline(
        news_id=str(item.id or ""),
        symbols=tuple(item.symbols or ()),
        title=item.headline or "",
        summary=item.summary or "",
        source=item.source or "",
        url=item.url or "",
        ts_ns=Reader().time(item.created_at, "created_at"),
        recv_ns=0,
    )
