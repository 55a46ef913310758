"""Measures of a photo as it comes in: detail, focus, compression, light, backdrop, product in the frame, likeness."""
