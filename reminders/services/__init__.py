"""The use cases of this room. Each checks its preconditions, then changes everything in one short transaction."""
