"""Defects planted in good pictures, and how well the checks find them."""
