"""The settings of storage: where images lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_REPOSITORY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_][A-Za-z0-9._-]*")


class StorageSettings(BaseSettings):
    """Of the settings, those that begin with ``storage_``."""

    storage_provider: Literal["local", "github", "s3"] = Field(
        "local", description="Where images are stored"
    )
    storage_fallback: bool = Field(
        True, description="Local storage takes the images while the provider is down"
    )
    storage_folder: Path | None = Field(
        None, description="Folder of local storage; unset: uploads/ in the home folder"
    )
    storage_base_url: str = Field(
        "http://127.0.0.1:8080/uploads", description="Where local storage's folder is served"
    )
    storage_path: str = Field(
        "file-library", description="Folder within the repository or the bucket"
    )
    storage_github_repository: str | None = Field(
        None, description="owner/name of the repository, with github"
    )
    storage_github_branch: str = Field("main", description="The branch that takes the images")
    storage_github_token: SecretStr | None = Field(
        None, description="A token that may write the repository's contents"
    )
    storage_github_api_url: str = Field(
        "https://api.github.com", description="The API; another one for GitHub Enterprise"
    )
    storage_github_raw_url: str = Field(
        "https://raw.githubusercontent.com", description="Where files are read, with github"
    )
    storage_s3_bucket: str | None = Field(None, description="The bucket, with s3")
    storage_s3_endpoint: str | None = Field(None, description="The store's URL; unset: Amazon's")
    storage_s3_region: str = Field("us-east-1", description="The bucket's region")
    storage_s3_access_key_id: SecretStr | None = Field(
        None, description="The key's id; unset: the role of the machine"
    )
    storage_s3_secret_access_key: SecretStr | None = Field(None, description="The key itself")
    storage_s3_public_url: str | None = Field(
        None, description="Where the bucket's folder is read; unset: under the endpoint"
    )

    @field_validator("storage_path", "storage_github_branch")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        if not _PATH.fullmatch(value) or ".." in value:
            raise ValueError("must be names of letters, digits, dots, _ and -, with / between them")
        return value

    @field_validator("storage_github_repository")
    @classmethod
    def _is_a_repository(cls, value: str | None) -> str | None:
        if value and not _REPOSITORY.fullmatch(value):
            raise ValueError("must be owner/name")
        return value or None

    @field_validator(
        "storage_base_url",
        "storage_github_api_url",
        "storage_github_raw_url",
        "storage_s3_endpoint",
        "storage_s3_public_url",
    )
    @classmethod
    def _is_a_url(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://unset")
        if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in parts.netloc:
            raise ValueError("must be an http:// or https:// URL, without a login in it")
        if parts.query or parts.fragment:
            raise ValueError("must be a URL without ? and #")
        return value or None

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        needed = {"github": ("github_repository", "github_token"), "s3": ("s3_bucket",)}
        for name in needed.get(self.storage_provider, ()):
            if not getattr(self, f"storage_{name}"):
                variable = f"OMEGA_STORAGE_{name.upper()}"
                raise ValueError(f"{variable}: must be set with {self.storage_provider}")
        if (self.storage_s3_access_key_id is None) != (self.storage_s3_secret_access_key is None):
            raise ValueError(
                "OMEGA_STORAGE_S3_SECRET_ACCESS_KEY: the key's id and the key go together"
            )
        return self
