package main

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var transactionChecks = []check{
	{"committed", committed},
	{"transactional-offsets", transactionalOffsets},
	{"producer-fencing", producerFencing},
}

func (l *lab) transactional() (*kgo.Client, error) {
	return l.client(kgo.TransactionalID(l.topic))
}

// transact sends one record in a transaction and ends it.
func (l *lab) transact(client *kgo.Client, value string, end kgo.TransactionEndTry) error {
	if err := client.BeginTransaction(); err != nil {
		return err
	}
	record := &kgo.Record{Topic: l.topic, Value: []byte(value)}
	if err := client.ProduceSync(l, record).FirstErr(); err != nil {
		return err
	}
	return client.EndTransaction(l, end)
}

// values reads so many records of partition 0.
func (l *lab) values(count int, level kgo.IsolationLevel) (string, error) {
	records, err := l.read(count, kgo.NewOffset().AtStart(), kgo.FetchIsolationLevel(level))
	if err != nil {
		return "", err
	}
	values := make([]string, len(records))
	for i, each := range records {
		values[i] = string(each.Value)
	}
	return fmt.Sprint(values), nil
}

func committed(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	client, err := l.transactional()
	if err != nil {
		return err
	}
	defer client.Close()
	for i := range 9 {
		end := kgo.TryCommit
		if i%2 == 1 {
			end = kgo.TryAbort
		}
		if err := l.transact(client, fmt.Sprint(i), end); err != nil {
			return err
		}
	}
	kept, err := l.values(5, kgo.ReadCommitted())
	if err != nil {
		return err
	}
	if err := expect("committed", kept, "[0 2 4 6 8]"); err != nil {
		return err
	}
	all, err := l.values(9, kgo.ReadUncommitted())
	if err != nil {
		return err
	}
	return expect("all", all, "[0 1 2 3 4 5 6 7 8]")
}

// transactionalOffsets reads, writes and commits in one transaction, as a member of a group.
func transactionalOffsets(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	if _, err := l.send(l.samples[:10]); err != nil {
		return err
	}
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(l.bootstrap),
		kgo.TransactionalID(l.topic),
		kgo.ConsumerGroup(l.topic),
		kgo.ConsumeTopics(l.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.RequireStableFetchOffsets(),
	)
	if err != nil {
		return err
	}
	defer session.Close()
	seen := 0
	for seen < 10 {
		fetches := session.PollFetches(l)
		if err := fetches.Err(); err != nil {
			return err
		}
		seen += fetches.NumRecords()
	}
	if err := session.Begin(); err != nil {
		return err
	}
	record := &kgo.Record{Topic: l.topic, Value: []byte("done")}
	if err := session.ProduceSync(l, record).FirstErr(); err != nil {
		return err
	}
	ended, err := session.End(l, kgo.TryCommit)
	if err != nil {
		return err
	}
	if err := expect("committed", ended, true); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		offsets, err := admin.FetchOffsets(l, l.topic)
		if err != nil {
			return err
		}
		found, _ := offsets.Lookup(l.topic, 0)
		return expect("offset", found.At, int64(10))
	})
}

func producerFencing(l *lab) error {
	if err := l.create(1); err != nil {
		return err
	}
	old, err := l.transactional()
	if err != nil {
		return err
	}
	defer old.Close()
	if err := old.BeginTransaction(); err != nil {
		return err
	}
	record := &kgo.Record{Topic: l.topic, Value: []byte("left open")}
	if err := old.ProduceSync(l, record).FirstErr(); err != nil {
		return err
	}
	fresh, err := l.transactional()
	if err != nil {
		return err
	}
	defer fresh.Close()
	if err := l.transact(fresh, "new", kgo.TryCommit); err != nil {
		return err
	}
	err = old.EndTransaction(l, kgo.TryCommit)
	fenced := errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) ||
		errors.Is(err, kerr.InvalidTxnState)
	if !fenced {
		return fmt.Errorf("the old producer was not shut out: %v", err)
	}
	kept, err := l.values(1, kgo.ReadCommitted())
	if err != nil {
		return err
	}
	return expect("committed", kept, "[new]")
}
