"""What a product's text and markets must be before anything is paid: title, parameters, spelling, market."""

from skuflow.catalog.gate.text_gate.checking import check_text

__all__ = ["check_text"]
