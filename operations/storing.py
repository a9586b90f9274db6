"""The stores that the settings name."""

from __future__ import annotations

from typing import NamedTuple

from operations.extras import ExtraMissing
from operations.settings import Settings
from operations.storage_settings import StorageSettings
from producers.storage import LocalStorage, Storage
from producers.storage.checked import CheckedStorage
from producers.storage.fallback import FallbackStorage

PATIENT_S = 900.0
"""How long a command that nobody waits for gives a store, say in a rate limit."""


class Stores(NamedTuple):
    """Where images go, and where they go meanwhile."""

    primary: Storage
    fallback: LocalStorage | None


def open_stores(settings: Settings, *, deadline_s: float = 60.0) -> Stores:
    """The two, each by itself. Raises ExtraMissing, and ValueError for a place."""
    local = open_local(settings)
    if settings.storage_provider == "local":
        return Stores(local, None)
    try:
        opened = {"github": _github, "s3": _s3}[settings.storage_provider](settings, deadline_s)
    except ModuleNotFoundError as exc:
        raise ExtraMissing(exc, settings.storage_provider) from None
    return Stores(opened, local if settings.storage_fallback else None)


def open_storage(settings: Settings) -> Storage:
    """For tools: what is no image is refused, and while the provider is down the fallback serves.

    Raises as open_stores.
    """
    primary, fallback = open_stores(settings)
    return CheckedStorage(FallbackStorage(primary, fallback) if fallback else primary)


def open_local(settings: Settings) -> LocalStorage:
    """The folder on this machine, whether it is the provider, the fallback, or neither."""
    folder = settings.storage_folder or settings.home / "uploads"
    return LocalStorage(folder, settings.storage_base_url)


def _github(settings: StorageSettings, deadline_s: float) -> Storage:
    from producers.storage.github import GitHubStorage  # its packages are an extra

    repository, token = settings.storage_github_repository, settings.storage_github_token
    assert repository is not None and token is not None  # noqa: S101, PT018  # the settings' own check
    owner, _, name = repository.partition("/")
    return GitHubStorage(
        owner,
        name,
        token.get_secret_value(),
        branch=settings.storage_github_branch,
        folder=settings.storage_path,
        api_url=settings.storage_github_api_url,
        raw_url=settings.storage_github_raw_url,
        deadline_s=deadline_s,
    )


def _s3(settings: StorageSettings, deadline_s: float) -> Storage:
    from producers.storage.s3 import S3Storage  # its package is an extra

    key, secret = settings.storage_s3_access_key_id, settings.storage_s3_secret_access_key
    assert settings.storage_s3_bucket is not None  # noqa: S101  # the settings' own check
    return S3Storage(
        settings.storage_s3_bucket,
        endpoint=settings.storage_s3_endpoint,
        region=settings.storage_s3_region,
        access_key_id=key.get_secret_value() if key else None,
        secret_access_key=secret.get_secret_value() if secret else None,
        folder=settings.storage_path,
        public_url=settings.storage_s3_public_url,
        deadline_s=min(deadline_s, 240.0),
    )
