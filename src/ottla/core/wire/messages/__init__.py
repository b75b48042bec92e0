"""Every message of Kafka 4.3, one file an API, declared.

How to read a declaration:

    @message("4-18", flexible="12+", key=1)          versions 4 to 18 exist, from 12 on they are flexible; API key 1
    class FetchRequest(Body):
        max_wait_ms: int32 = 0                       there in every version
        rack_id: Annotated[str, In("11+")] = ""      there from 11 on; before that it must hold its default …
        topic: Annotated[str, In("4-12", ignorable=True)] = ""    … or is quietly left out when it is ignorable
        cluster_id: Annotated[str | None, Tag(0, "12+")] = None   tagged field 0: written only when it is not None

Names are Kafka's in snake case, defaults are Kafka's: a nullable string without a default of its own is `""`, not
None. A struct that request and response both have under one name carries `Request` or `Response` behind it. The
marks are explained in `core.wire.declaration`; `codec.source(FetchRequest, 12)` shows the Python that a declaration
becomes. `records/` holds what is written to logs rather than sent.

A new version of an API: raise the range in `@message`, and give new fields their `In("19+")`. A test holds every
declaration against the definitions in Kafka's jars.
"""
