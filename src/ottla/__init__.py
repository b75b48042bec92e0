"""Ottla: the Apache Kafka platform in Python."""

__version__ = "0.1.0"
