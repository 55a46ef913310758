"""The lexicons of copy as data, read by ``skuflow.quality.copy``; each file says what stands in it."""
