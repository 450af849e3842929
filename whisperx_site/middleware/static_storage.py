"""Static files under hashed names."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Also hashes names in `import` statements of our script modules."""

    support_js_module_import_aggregation = True
