"""What the OPTIONS answer lists. A new extension is one new service and one entry here."""

EXTENSIONS = ("creation", "creation-with-upload", "expiration", "termination")
