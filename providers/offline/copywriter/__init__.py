"""Listing copy without a model: templates per language over an attribute lexicon."""

from providers.offline.copywriter.errors import CopyError
from providers.offline.copywriter.lexicon import LANGUAGES, language_written, why_not_written
from providers.offline.copywriter.write import write_copy

__all__ = ["LANGUAGES", "CopyError", "language_written", "why_not_written", "write_copy"]
