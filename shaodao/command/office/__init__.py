"""The office's own books: is the record intact, who read what, which numbers rule, who holds which post."""
