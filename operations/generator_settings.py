"""The settings of the tools: who draws."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings


class GeneratorSettings(BaseSettings):
    """Of the settings, those that begin with ``generator``, ``gemini_`` and ``openai_``."""

    generator: Literal["offline", "gemini", "openai"] = Field(
        "offline", description="Who draws what the tools are asked for"
    )
    generator_attempts: int = Field(
        3, description="So often a model is asked for one image", ge=1, le=10
    )
    generator_timeout_s: float = Field(
        90.0, description="Seconds that a model has for one answer", gt=0, le=600
    )
    generator_deadline_s: float = Field(
        180.0, description="Seconds for one image, with all attempts and waits", gt=0, le=1800
    )
    gemini_api_key: SecretStr | None = Field(None, description="The key, with gemini")
    gemini_model: str = Field(
        "gemini-3-pro-image-preview", description="The model that draws, with gemini", min_length=1
    )
    gemini_base_url: str | None = Field(None, description="The API's URL; unset: Google's")
    openai_api_key: SecretStr | None = Field(None, description="The key, with openai")
    openai_model: str = Field(
        "gpt-image-2.5-flare", description="The model that draws, with openai", min_length=1
    )
    openai_base_url: str | None = Field(
        None, description="The API's URL, with its /v1; unset: OpenAI's"
    )

    @field_validator("gemini_base_url", "openai_base_url")
    @classmethod
    def _is_an_api(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://unset")
        if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in parts.netloc:
            raise ValueError("must be an http:// or https:// URL, without a login in it")
        return value or None

    @model_validator(mode="after")
    def _has_its_key(self) -> Self:
        if self.generator != "offline" and not getattr(self, f"{self.generator}_api_key"):
            variable = f"OMEGA_{self.generator.upper()}_API_KEY"
            raise ValueError(f"{variable}: must be set with {self.generator}")
        return self
