"""What the vendors' adapters share on the way out: HTTP that never repeats, downloads, prices, kept replies."""
