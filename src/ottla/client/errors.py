"""What a client raises of its own. What the cluster answers is a `KafkaError`."""

from __future__ import annotations

from ottla.world.doors import Address


class ClientError(Exception):
    """Something the cluster did not say: a connection, a time limit, a wrong use. `hint` says what to check."""

    hint = "check the client's settings."


class ConnectionFailed(ClientError):
    """No connection to an address, or the connection broke under a request."""

    hint = "check the address, and that a broker listens there."

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(f"no connection to {address}: {reason}")
        self.address = address


class NoBroker(ConnectionFailed):
    """None of the bootstrap servers can be reached."""

    def __init__(self, reasons: dict[Address, str]) -> None:
        told = "; ".join(f"{address}: {reason}" for address, reason in reasons.items())
        ClientError.__init__(self, f"no broker can be reached ({told or 'no bootstrap server was given'})")
        self.reasons = reasons


class NoSuchBroker(ClientError):
    """A broker id that the cluster does not know, or does not know any more."""

    hint = "Admin.describe_cluster() tells which brokers there are."


class ClientTimeout(ClientError):
    """An answer, a leader or a delivery did not come within its time."""

    hint = "try again, or allow more time."


class VersionMismatch(ClientError):
    """The broker and this client share no version of an API."""

    hint = "the broker is too old or too new for this client: Apache Kafka 2.1 to 4.x is supported."


class ClientClosed(ClientError):
    """The client was closed while, or before, this was asked of it."""

    hint = "open a new client."
