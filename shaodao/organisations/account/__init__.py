"""A person's own account: signing in with a second factor or through the house's provider, and what one may change."""
