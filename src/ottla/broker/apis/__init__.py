"""One module an API, named as in `core.wire.apis`; each has a `handle(services, context, request)`.

A module is imported when its first request comes, so that a node starts in no time. An API that is not named here is
neither advertised nor served.
"""

from __future__ import annotations

from typing import Final

from ottla.core.wire.api_key import ApiKey

K = ApiKey

FORWARDED: Final = "forwarded"

HANDLERS: Final[dict[ApiKey, str]] = {
    K.PRODUCE: "produce",
    K.FETCH: "fetch",
    K.METADATA: "metadata",
    K.API_VERSIONS: "api_versions",
}
"""API → module of this package."""
