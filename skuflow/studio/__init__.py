"""Pixels: cut-out, compositing, renditions, video assembly."""
