"""The pages that every book has."""
