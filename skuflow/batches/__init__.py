"""Batches cut into chunks, and who works on which SKU: what several workers agree on in the database."""
