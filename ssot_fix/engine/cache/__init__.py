"""What earlier runs found, so that only what has changed since is looked at again. It never changes an answer."""
