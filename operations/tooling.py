"""The tools over the ledger: who draws, and where earlier images are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from operations.extras import ExtraMissing
from operations.generator_settings import GeneratorSettings
from operations.publishing import open_tracker
from operations.settings import Settings
from operations.storing import Stores, open_stores
from operations.wiring import Ledger
from producers.metrics import ProducerMetrics
from producers.storage import NotStored, Storage
from producers.tools import Generator, Tools
from producers.tools.errors import ImageNotFound
from producers.tools.generators.offline import OfflineGenerator
from projections.connections import Connection
from projections.images import GeneratedImageRecord, get_image_of_request


class LedgerImages:
    """producers.tools.ImageSource over the table and the stores that it names."""

    def __init__(self, connect: Callable[[], Connection[Any]], stores: Stores) -> None:
        self._connect = connect
        self._stores: list[Storage] = [store for store in stores if store is not None]

    def read(self, request_id: str) -> bytes:
        """See ImageSource. Only the configured stores are read: no URL is followed elsewhere."""
        with self._connect() as connection:
            row = get_image_of_request(connection, request_id)
        if row is None:
            raise ImageNotFound(f"image {request_id}: there is none, or it is not shown yet")
        if row.status != "success":
            raise ImageNotFound(f"image {request_id}: its generation failed")
        return self._bytes_of(request_id, row)

    def _bytes_of(self, request_id: str, row: GeneratedImageRecord) -> bytes:
        """From the store that the URL names, else a copy that another one still has."""
        names = {store: store.filename_of(row.storage_url) for store in self._stores}
        name = next((name for name in names.values() if name), None)
        if name is None:
            raise ImageNotFound(f"image {request_id}: it lies in no configured storage")
        for store in sorted(self._stores, key=lambda store: names[store] is None):
            try:
                return store.read(name)
            except NotStored:
                continue
        raise ImageNotFound(f"image {request_id}: its bytes are gone")


@contextmanager
def open_tools(
    settings: Settings, ledger: Ledger, metrics: ProducerMetrics | None = None
) -> Iterator[Tools]:
    """The eight tools. Raises ExtraMissing, SpoolError."""
    generator = open_generator(settings)
    try:
        images = LedgerImages(lambda: ledger.connect("omega-images-tools"), open_stores(settings))
        with open_tracker(ledger, metrics) as tracker:
            yield Tools(tracker, generator, images)
    finally:
        generator.close()


def open_generator(settings: GeneratorSettings) -> Generator:
    """Who draws, as the settings say. Raises ExtraMissing."""
    if settings.generator == "offline":
        return OfflineGenerator()
    try:
        return {"gemini": _gemini, "openai": _openai}[settings.generator](settings)
    except ModuleNotFoundError as exc:
        raise ExtraMissing(exc, settings.generator) from None


def _gemini(settings: GeneratorSettings) -> Generator:
    from producers.tools.generators.gemini import GeminiGenerator  # its package is an extra
    from producers.tools.generators.patience import Patience

    assert settings.gemini_api_key is not None  # noqa: S101  # the settings' own check
    return GeminiGenerator(
        settings.gemini_api_key.get_secret_value(),
        settings.gemini_model,
        base_url=settings.gemini_base_url,
        patience=Patience(
            settings.generator_attempts,
            settings.generator_timeout_s,
            settings.generator_deadline_s,
        ),
    )


def _openai(settings: GeneratorSettings) -> Generator:
    from producers.tools.generators.openai import OpenAIGenerator  # its package is an extra
    from producers.tools.generators.patience import Patience

    assert settings.openai_api_key is not None  # noqa: S101  # the settings' own check
    return OpenAIGenerator(
        settings.openai_api_key.get_secret_value(),
        settings.openai_model,
        base_url=settings.openai_base_url,
        patience=Patience(
            settings.generator_attempts,
            settings.generator_timeout_s,
            settings.generator_deadline_s,
        ),
    )
