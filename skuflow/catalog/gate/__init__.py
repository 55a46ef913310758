"""The intake gate: what a product's photos and data must be before anything is paid."""
