"""Text models behind any server that speaks OpenAI's chat protocol."""

from providers.openai.provider import build

__all__ = ["build"]
