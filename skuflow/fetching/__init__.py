"""Fetching from addresses that strangers name: checked, pinned and bounded before and while anything is read."""
