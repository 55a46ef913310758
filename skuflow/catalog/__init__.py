"""Products in: catalog readers and what a product is."""
