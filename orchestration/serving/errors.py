"""What can go wrong while publishing or handing out rows. Messages say what happened, where, and what to do."""

from __future__ import annotations


class ServingError(Exception):
    """Nothing was published or handed out; what was there before is untouched."""


class PublishError(ServingError):
    """A publication could not be built or did not equal the warehouse."""


class ExportError(ServingError):
    """A viewer's file was refused or did not hold exactly the viewer's rows."""


class LockHeldError(ServingError):
    """Another writer holds the lock, and waiting for it ended."""


class RightsError(ServingError):
    """Rights could not be explained or compared."""
