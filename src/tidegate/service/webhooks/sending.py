"""One POST to one receiver, with every bound it needs: time, size, no redirect, no cookie, no proxy, its own connection."""

from types import TracebackType
from typing import Final, NamedTuple, Self, final

import aiohttp

from tidegate.service.webhooks.rules import Patience
from tidegate.values.time import SECOND_NS

_AGENT: Final = "tidegate-webhook/1"


class Sent(NamedTuple):
    """The answer's status, None where there was none, and the reason in words."""

    status: int | None
    why: str


@final
class Sender:
    """Posts to one address; what the receiver says beside its status is not read."""

    def __init__(self, url: str, patience: Patience) -> None:
        self._url: Final = url
        seconds = patience.answer_ns / SECOND_NS
        self._session: Final = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=seconds, connect=patience.connect_ns / SECOND_NS),
            headers={"user-agent": _AGENT, "content-type": "application/json"},
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def post(self, body: bytes, headers: dict[str, str]) -> Sent:
        """Send a body; an error's words hold no address, since that may hold a token."""
        try:
            answer = await self._session.post(self._url, data=body, headers=headers, allow_redirects=False)
        except TimeoutError:
            return Sent(None, "no answer in time")
        except aiohttp.ClientConnectorError as error:
            return Sent(None, f"no connection ({error.os_error.strerror or type(error).__name__})")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Sent(None, f"no answer ({type(error).__name__})")
        answer.close()  # with its connection unless all of it was read: a body without end holds nothing up
        return Sent(answer.status, f"answer {answer.status}")
