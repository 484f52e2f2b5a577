"""Fetching: what a share link opens comes into a folder here, verified."""
