"""What people write: settings, arguments, templates."""

from __future__ import annotations

from tests.fuzz.samples.files import texts


def properties() -> list[bytes]:
    return [
        b"process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@localhost:9093\n"
        b"listeners=PLAINTEXT://localhost:9092,CONTROLLER://[::1]:9093\n"
        b"controller.listener.names=CONTROLLER\nlog.dirs=/tmp/a,/tmp/b\n"
        b"log.retention.hours=168\nlog.cleaner.enable = true\nmessage.max.bytes: 1048588\n"
        b"max.connections.per.ip.overrides=127.0.0.1:10\nlistener.name.plaintext.max.connections=7\n"
        b"! comment\nlog.segment.bytes=\\\n   1073741824\nlog.cleaner.min.cleanable.ratio=5e-1\n",
        b"a=b\n#c\n\\u0041:\\t\\ud83d\\ude00\n x y\\\nz\n",
        b"broker.id=1\nadvertised.listeners=A://h:1,B://h:2\nlistener.security.protocol.map=A:PLAINTEXT,B:SSL\n",
    ]


def client_properties() -> list[bytes]:
    return [
        b"bootstrap.servers=localhost:9092,[::1]:9093\nacks=all\nlinger.ms=5\nenable.idempotence=true\n",
        b"compression.type=zstd\nisolation.level=read_committed\nauto.offset.reset=earliest\nclient.id=x\n",
    ]


def offsets() -> list[bytes]:
    moments = ("@2026-11-22T10:00:00Z:end", "@-1h:30m", "@1700000000:1700000001000", "@2026-11-22")
    return texts("start", "end", "12", "+5", "-5", ":end", ":7", "3:9", "3:", *moments)


def output_templates() -> list[bytes]:
    return texts(
        "%t %p %o %e %i %k %v %K %V %S %H %T %x %y %%\\n",
        "%k{hex} %v{base64} %v{json} %h{%k=%v;} %h %d{%F %T} %d\\x41\\0",
        "%h{%h{%k}}",
    )


def input_templates() -> list[bytes]:
    """A template, a zero byte, and a line for it."""
    return texts(
        "%k:%v\x0042:hello",
        "%k\\t%h{%k=%v}\\t%p %T %t\\n%v\x00a\tb=c\t1 2 t\nv",
        "%v{hex}\x000aff",
        "%k:%v\x00no colon",
    )


def controllers() -> list[bytes]:
    directory = "AAECAwQFBgcICQoLDA0ODw"
    return texts(f"1@localhost:9093:{directory},2@[::1]:9093:{directory}", f"0@h:1:{directory}")


def scram() -> list[bytes]:
    return texts(
        "SCRAM-SHA-256=[name=alice,password=secret,iterations=4096]",
        'SCRAM-SHA-512=[name="bob",salt="MWx2NHBkbnc0ZndxN25vdGN4bTB5Y2I=",saltedpassword="mT0yyUUxnlJaC99HXgRTSYlb"]',
    )
