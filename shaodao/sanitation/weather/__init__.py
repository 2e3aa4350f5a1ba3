"""Weather by the hour: typed in, from a file, or fetched (`fetching`); what it stops (`stops`); `actions` writes."""
