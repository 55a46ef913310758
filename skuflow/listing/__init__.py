"""What is made of a product: kit, copy, image roles, storyboard, styles, markets, marketplace rules."""
