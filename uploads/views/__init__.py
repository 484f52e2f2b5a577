"""The addresses of this room that people and tus clients open."""
