"""Volcengine's two doors to the same family of models: Jimeng (Volcengine Visual, signed) and Ark (an API key)."""
