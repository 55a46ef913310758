"""The provider that needs no key and no network, and makes real results."""
