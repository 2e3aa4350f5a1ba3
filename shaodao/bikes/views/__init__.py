"""The pages of shared bikes, under /bikes/."""
