"""TLS: keys, certificates and how the handshake is done."""

from __future__ import annotations

from typing import Final

from ottla.core.model.settings.setting import (
    BOOLEAN,
    CLASS,
    LIST,
    LOW,
    PASSWORD,
    PER_BROKER,
    STRING,
    Setting,
    refused,
)
from ottla.core.model.settings.valid import list_of, one_of

# fmt: off
SSL: Final[tuple[Setting, ...]] = (
    refused("ssl.client.auth", STRING, "none",
            "Whether clients must show a certificate: `required`, `requested` or `none`.", one_of("required", "requested", "none"), PER_BROKER),
    refused("ssl.principal.mapping.rules", STRING, "DEFAULT",
            "Rules that turn a certificate's subject into a principal name. The whole subject by default.", LOW),
    refused("ssl.allow.dn.changes", BOOLEAN, False,
            "Allow a new key store whose certificate names another subject.", LOW),
    refused("ssl.allow.san.changes", BOOLEAN, False,
            "Allow a new key store whose certificate drops alternative names.", LOW),
    refused("ssl.protocol", STRING, "TLSv1.3",
            "The newest TLS version to speak.", PER_BROKER),
    refused("ssl.provider", STRING, None,
            "Java security provider for TLS.", PER_BROKER),
    refused("ssl.enabled.protocols", LIST, ("TLSv1.2", "TLSv1.3"),
            "TLS versions accepted.", list_of(), PER_BROKER),
    refused("ssl.keystore.type", STRING, "JKS",
            "Format of the key store: `PEM`, `PKCS12` or `JKS`.", PER_BROKER),
    refused("ssl.keystore.location", STRING, None,
            "File that holds this node's key and certificate.", PER_BROKER),
    refused("ssl.keystore.password", PASSWORD, None,
            "Password of the key store.", PER_BROKER),
    refused("ssl.key.password", PASSWORD, None,
            "Password of the private key.", PER_BROKER),
    refused("ssl.keystore.key", PASSWORD, None,
            "The private key itself, in PEM.", PER_BROKER),
    refused("ssl.keystore.certificate.chain", PASSWORD, None,
            "The certificate chain itself, in PEM.", PER_BROKER),
    refused("ssl.truststore.type", STRING, "JKS",
            "Format of the trust store: `PEM`, `PKCS12` or `JKS`.", PER_BROKER),
    refused("ssl.truststore.location", STRING, None,
            "File that holds the certificates to trust.", PER_BROKER),
    refused("ssl.truststore.password", PASSWORD, None,
            "Password of the trust store.", PER_BROKER),
    refused("ssl.truststore.certificates", PASSWORD, None,
            "The certificates to trust themselves, in PEM.", PER_BROKER),
    refused("ssl.keymanager.algorithm", STRING, "SunX509",
            "Java algorithm that manages keys.", PER_BROKER),
    refused("ssl.trustmanager.algorithm", STRING, "PKIX",
            "Java algorithm that judges certificates.", PER_BROKER),
    refused("ssl.endpoint.identification.algorithm", STRING, "https",
            "How the name in a certificate is compared with the host; empty turns the comparison off.", LOW, PER_BROKER),
    refused("ssl.secure.random.implementation", STRING, None,
            "Java source of random numbers for TLS.", LOW, PER_BROKER),
    refused("ssl.cipher.suites", LIST, (),
            "Cipher suites accepted. The library's choice when empty.", list_of(), PER_BROKER),
    refused("ssl.engine.factory.class", CLASS, None,
            "A Java class that builds the TLS engine.", LOW, PER_BROKER),
)
