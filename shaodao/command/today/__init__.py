"""Today at a glance: every number with the address of the cases behind it."""
