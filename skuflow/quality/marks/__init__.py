"""What was laid over a photo after it was taken: watermarks and text, as distinct from text printed on the product."""
