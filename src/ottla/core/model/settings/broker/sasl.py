"""SASL: mechanisms, Kerberos, logins."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.kinds import KIB, SECOND
from ottla.core.model.settings.setting import (
    CLASS,
    DOUBLE,
    HIGH,
    INT,
    LIST,
    LONG,
    LOW,
    PASSWORD,
    PER_BROKER,
    SHORT,
    STRING,
    Setting,
    later,
    refused,
)
from ottla.core.model.settings.valid import list_of

# fmt: off
SASL: Final[tuple[Setting, ...]] = (
    refused("sasl.enabled.mechanisms", LIST, ("GSSAPI",),
            "SASL mechanisms clients may choose from.", list_of(), PER_BROKER),
    refused("sasl.mechanism.inter.broker.protocol", STRING, "GSSAPI",
            "SASL mechanism brokers use among themselves.", PER_BROKER),
    refused("sasl.mechanism.controller.protocol", STRING, "GSSAPI",
            "SASL mechanism used towards controllers.", HIGH),
    later("sasl.server.max.receive.size", INT, 512 * KIB,
          "Largest message of a SASL handshake."),
    refused("sasl.server.callback.handler.class", CLASS, None,
            "A Java class that checks credentials for the server side of a mechanism."),
    refused("sasl.client.callback.handler.class", CLASS, None,
            "A Java class that supplies credentials for the client side of a mechanism."),
    refused("sasl.jaas.config", PASSWORD, None,
            "Login of a mechanism, in JAAS form.", PER_BROKER),
    refused("sasl.login.class", CLASS, None,
            "A Java class that logs in."),
    refused("sasl.login.callback.handler.class", CLASS, None,
            "A Java class that answers the questions of a login."),
    refused("sasl.kerberos.principal.to.local.rules", LIST, ("DEFAULT",),
            "Rules that turn Kerberos principals into short names. The first that fits counts.", list_of(), PER_BROKER),
    refused("sasl.kerberos.service.name", STRING, None,
            "Kerberos name of the service the brokers run as.", PER_BROKER),
    refused("sasl.kerberos.kinit.cmd", STRING, "/usr/bin/kinit",
            "Path of `kinit`.", PER_BROKER),
    refused("sasl.kerberos.ticket.renew.window.factor", DOUBLE, 0.8,
            "Share of a ticket's life after which it is renewed.", PER_BROKER),
    refused("sasl.kerberos.ticket.renew.jitter", DOUBLE, 0.05,
            "Random share added to the time of the renewal.", PER_BROKER),
    refused("sasl.kerberos.min.time.before.relogin", LONG, 60_000,
            "Shortest pause between two renewals.", PER_BROKER),
    refused("sasl.login.refresh.window.factor", DOUBLE, 0.8,
            "Share of a credential's life after which it is refreshed.", PER_BROKER),
    refused("sasl.login.refresh.window.jitter", DOUBLE, 0.05,
            "Random share added to the time of the refresh.", PER_BROKER),
    refused("sasl.login.refresh.min.period.seconds", SHORT, 60,
            "Shortest pause between two refreshes.", PER_BROKER),
    refused("sasl.login.refresh.buffer.seconds", SHORT, 300,
            "Time kept free between a refresh and the end of the credential.", PER_BROKER),
    refused("sasl.login.connect.timeout.ms", INT, None,
            "How long a connection to the identity provider may take to open.", LOW),
    refused("sasl.login.read.timeout.ms", INT, None,
            "How long an answer of the identity provider may take.", LOW),
    refused("sasl.login.retry.backoff.ms", LONG, 100,
            "First pause before a failed login is tried again.", LOW),
    refused("sasl.login.retry.backoff.max.ms", LONG, 10 * SECOND,
            "Longest pause before a failed login is tried again.", LOW),
)
