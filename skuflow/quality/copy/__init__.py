"""What can be said about a listing's words without understanding them: figures, terms, languages, wording."""
