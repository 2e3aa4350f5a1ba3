"""Roads in and out: `files` reads, `network` checks and splits at junctions, `imports` plans and carries out, `exports` writes."""
