"""The steps that free a product from a plain background."""
