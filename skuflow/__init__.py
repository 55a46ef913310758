"""The engine of skuflow: products, listings, paid jobs, pixels, quality and storage.

Knows neither Prefect nor any vendor's wire format.
"""
