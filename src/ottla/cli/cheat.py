"""`ottla cheat`: the commands people know, and ours beside them."""

from __future__ import annotations

from typing import NamedTuple

import click

from ottla.cli.options import output_option
from ottla.cli.output import DATA_FORMS, print_data
from ottla.cli.problems import NOT_FOUND, Problem


class Known(NamedTuple):
    """One thing to do: how Kafka's tools, kcat or rpk say it, and how we do."""

    known: str
    ours: str


SHEET: dict[str, tuple[Known, ...]] = {
    "topics": (
        Known("kafka-topics --create --topic t --partitions 3", "ottla topic create t -p 3"),
        Known("kafka-topics --list", "ottla topic list"),
        Known("kafka-topics --describe --topic t", "ottla topic describe t"),
        Known("kafka-topics --alter --topic t --partitions 6", "ottla topic add-partitions t --total 6"),
        Known("kafka-topics --delete --topic t", "ottla topic delete t"),
        Known("kafka-delete-records --offset-json-file f", "ottla topic trim t --before 4200"),
        Known("kafka-get-offsets --topic t", "ottla topic describe t --partitions"),
    ),
    "records": (
        Known("kafka-console-producer --topic t", "ottla produce t"),
        Known("kcat -P -t t -K :", "ottla produce t -K :"),
        Known("kafka-console-consumer --topic t --from-beginning", "ottla consume t"),
        Known("kcat -C -t t -o -10 -e", "ottla consume t --offset -10 -e"),
        Known("kcat -C -t t -f '%p:%o %k %s\\n'", "ottla consume t -f '%p:%o %k %s\\n'"),
        Known("rpk topic consume t -o @-15m", "ottla consume t --offset @-15m"),
        Known("kcat -G g t", "ottla consume t --group g"),
        Known("kafka-dump-log --files f --print-data-log", "ottla log dump f --print-data"),
    ),
    "groups": (
        Known("kafka-consumer-groups --list", "ottla group list"),
        Known("kafka-consumer-groups --describe --group g", "ottla group describe g"),
        Known("rpk group describe g --print-lag", "ottla group lag g"),
        Known(
            "kafka-consumer-groups --reset-offsets --group g --topic t --to-earliest --execute",
            "ottla group seek g --topic t --to start",
        ),
        Known("... --by-duration PT15M", "ottla group seek g --to @-15m"),
        Known("... --shift-by -100", "ottla group seek g --shift -100"),
        Known("kafka-consumer-groups --delete --group g", "ottla group delete g"),
        Known("kafka-share-groups --describe --group g", "ottla share-group describe g"),
        Known("kafka-streams-groups --describe --group g", "ottla streams-group describe g"),
    ),
    "configs": (
        Known("kafka-configs --describe --entity-type topics --entity-name t", "ottla config get topic t"),
        Known(
            "kafka-configs --alter --entity-type topics --entity-name t --add-config retention.ms=1",
            "ottla config set topic t retention.ms=1",
        ),
        Known("... --delete-config retention.ms", "ottla config set topic t --unset retention.ms"),
        Known("kafka-configs --describe --entity-type users", "ottla quota describe"),
    ),
    "cluster": (
        Known("kafka-broker-api-versions", "ottla broker list"),
        Known("kafka-log-dirs --describe", "ottla broker logdirs"),
        Known("kafka-metadata-quorum describe --replication", "ottla metadata quorum"),
        Known("kafka-transactions list", "ottla txn list"),
        Known("kafka-transactions find-hanging --broker-id 1", "ottla txn find-hanging"),
        Known(
            "kafka-producer-perf-test --topic t --num-records 1000000 ...", "ottla bench produce t -n 1000000"
        ),
        Known("kafka-consumer-perf-test --topic t ...", "ottla bench consume t"),
        Known("kafka-storage random-uuid", "ottla storage random-uuid"),
        Known("kafka-server-start server.properties", "ottla server server.properties"),
    ),
}


@click.command()
@click.argument("subject", required=False, metavar="[SUBJECT]")
@output_option("table", "json", "jsonl", "yaml")
def cheat(subject: str | None, output: str) -> None:
    """The commands people know, and ours beside them.

    SUBJECT is topics, records, groups, configs or cluster.
    """
    if subject is not None and subject not in SHEET:
        raise Problem(f"there is no sheet {subject!r}", f"there are {', '.join(SHEET)}.", NOT_FOUND)
    chosen = {subject: SHEET[subject]} if subject else SHEET
    if output in DATA_FORMS:
        rows = [
            {"subject": name, "known": each.known, "ours": each.ours}
            for name, sheet in chosen.items()
            for each in sheet
        ]
        print_data(rows, output)
        return
    for number, (name, sheet) in enumerate(chosen.items()):
        if number:
            click.echo()
        click.echo(click.style(name, bold=True))
        for each in sheet:
            click.echo(f"  {each.known}\n    {click.style(each.ours, fg='green')}")
