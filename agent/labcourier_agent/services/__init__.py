"""Running `labcourier watch` in the background: one file for each system, chosen in choice.py."""
