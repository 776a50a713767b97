"""A file becomes records. One file a format; `registry.read` finds the one that claims it."""
