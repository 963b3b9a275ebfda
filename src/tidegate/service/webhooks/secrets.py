"""The secrets of webhooks: each under a name of its own, from the places that hold keys, never from a configuration."""

from collections.abc import Mapping, Sequence
from typing import Final

from tidegate.config.model import WebhookSection
from tidegate.config.webhook_rules import secret_name
from tidegate.service.key_pipe import PipeKeys
from tidegate.service.key_sources import sources_of
from tidegate.service.keys import KeySource, MissingKeyError, WrongKeyError
from tidegate.service.secrecy import Secret

SECRET_LENGTH_MIN: Final = 32


def read_secrets(webhooks: Sequence[WebhookSection], sources: Sequence[KeySource]) -> Mapping[str, Secret]:
    """Return the secrets of webhooks by their names for sources.

    Raises:
        MissingKeyError: no source has one.
        WrongKeyError: one is too short to keep anybody out.
        KeySourceError: a source cannot be read.
    """
    found = {}
    for hook in webhooks:
        name = secret_name(hook.name)
        secret = next((value for source in sources if (value := source.get(name)) is not None), None)
        if secret is None:
            places = ", ".join(source.describe() for source in sources)
            raise MissingKeyError(
                f"The webhook {hook.name} has no secret: set {name} (looked in {places}); `openssl rand -hex 32` makes one."
            )
        if len(secret.reveal()) < SECRET_LENGTH_MIN:
            raise WrongKeyError(f"The secret {name} is shorter than {SECRET_LENGTH_MIN} letters; `openssl rand -hex 32` makes one.")
        found[name] = secret
    return found


def sources(names: Sequence[str], keys_fd: int | None) -> list[KeySource]:
    """Return where secrets of these names may be; where the supervisor gave a pipe, there alone.

    Raises:
        KeySourceError: the pipe holds none, or see `sources_of`.
    """
    return sources_of(names=names) if keys_fd is None else [PipeKeys(keys_fd)]
