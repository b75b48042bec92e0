"""Who may connect and what they may do: authentication in general, authorisation, delegation tokens."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import DAY, HOUR
from ottla.core.model.settings.setting import (
    CLASS,
    LONG,
    LOW,
    PASSWORD,
    PER_BROKER,
    STRING,
    Setting,
    later,
    refused,
)
from ottla.core.model.settings.valid import NotNull, at_least

# fmt: off
SECURITY: Final[tuple[Setting, ...]] = (
    refused("authorizer.class.name", STRING, "",
            "The authoriser that judges every request. Everything is allowed when empty.", NotNull(), LOW),
    refused("principal.builder.class", CLASS, "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
            "A Java class that turns an authenticated connection into a principal.", PER_BROKER),
    refused("security.providers", STRING, None,
            "Java classes that add security algorithms.", LOW),
    refused("connections.max.reauth.ms", LONG, 0,
            "Longest time a SASL connection lasts before it must authenticate again; 0 asks for it once only."),
    refused("delegation.token.secret.key", PASSWORD, None,
            "Secret that delegation tokens are signed with; the same on all brokers. Tokens are off when unset."),
    later("delegation.token.max.lifetime.ms", LONG, 7 * DAY,
          "Longest life of a delegation token, renewals included.", at_least(1)),
    later("delegation.token.expiry.time.ms", LONG, DAY,
          "Life of a delegation token that is not renewed.", at_least(1)),
    later("delegation.token.expiry.check.interval.ms", LONG, HOUR,
          "How often expired delegation tokens are removed.", at_least(1), LOW),
)
