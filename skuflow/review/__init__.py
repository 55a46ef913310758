"""What a person looks at: the gallery of kits."""
