"""Signed notices of completion: written into the database first, then delivered to the shop's own back end."""
