"""A page and an HTTP interface for those who want digits read: `bruit serve`. Needs `bruit[serve]`."""
