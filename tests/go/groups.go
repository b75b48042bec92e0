package main

import (
	"fmt"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const groupPartitions = 4

var groupChecks = []check{
	{"group-sharing", groupSharing},
	{"group-resume", groupResume},
	{"group-admin", groupAdmin},
}

// member joins the check's group.
func (l *lab) member(options ...kgo.Opt) (*kgo.Client, error) {
	base := []kgo.Opt{
		kgo.ConsumerGroup(l.topic),
		kgo.ConsumeTopics(l.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(6 * time.Second),
		kgo.HeartbeatInterval(300 * time.Millisecond),
	}
	return l.client(append(base, options...)...)
}

// held says how many partitions each member of the group has.
func (l *lab) held(admin *kadm.Client) ([]int, string, error) {
	groups, err := admin.DescribeGroups(l, l.topic)
	if err != nil {
		return nil, "", err
	}
	group := groups[l.topic]
	counts := []int{}
	for _, each := range group.Members {
		if assigned, ok := each.Assigned.AsConsumer(); ok {
			count := 0
			for _, topic := range assigned.Topics {
				count += len(topic.Partitions)
			}
			counts = append(counts, count)
		}
	}
	return counts, group.State, nil
}

func (l *lab) shares(admin *kadm.Client, wanted ...int) error {
	return l.becomes(func() error {
		counts, state, err := l.held(admin)
		if err != nil {
			return err
		}
		if err := expect("state", state, "Stable"); err != nil {
			return err
		}
		return expect("partitions of each member", fmt.Sprint(counts), fmt.Sprint(wanted))
	})
}

func groupSharing(l *lab) error {
	if err := l.create(groupPartitions); err != nil {
		return err
	}
	first, err := l.member()
	if err != nil {
		return err
	}
	defer first.Close()
	second, err := l.member()
	if err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		err := l.shares(admin, groupPartitions/2, groupPartitions/2)
		second.Close()
		if err != nil {
			return err
		}
		return l.shares(admin, groupPartitions)
	})
}

// take polls until it has so many records; their values, sorted.
func (l *lab) take(client *kgo.Client, count int) ([]string, error) {
	var values []string
	for len(values) < count {
		fetches := client.PollFetches(l)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, each := range fetches.Records() {
			values = append(values, string(each.Value))
		}
	}
	sort.Strings(values)
	return values, nil
}

func (l *lab) number(from, count int) error {
	client, err := l.client()
	if err != nil {
		return err
	}
	defer client.Close()
	records := numbered(l.topic, from, count)
	for i, each := range records {
		each.Partition = int32(i % groupPartitions)
	}
	return client.ProduceSync(l, records...).FirstErr()
}

// readAsMember reads so many records as a member of the group, and commits.
func (l *lab) readAsMember(count int) ([]string, error) {
	client, err := l.member()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	values, err := l.take(client, count)
	if err != nil {
		return nil, err
	}
	return values, client.CommitUncommittedOffsets(l)
}

func groupResume(l *lab) error {
	if err := l.create(groupPartitions); err != nil {
		return err
	}
	if err := l.number(100, 40); err != nil {
		return err
	}
	if _, err := l.readAsMember(40); err != nil {
		return err
	}
	if err := l.number(140, 4); err != nil {
		return err
	}
	values, err := l.readAsMember(4)
	if err != nil {
		return err
	}
	return expect("records", fmt.Sprint(values), "[140 141 142 143]")
}

func groupAdmin(l *lab) error {
	if err := l.create(groupPartitions); err != nil {
		return err
	}
	if err := l.number(100, 40); err != nil {
		return err
	}
	if _, err := l.readAsMember(40); err != nil {
		return err
	}
	return l.with(func(admin *kadm.Client) error {
		listed, err := admin.ListGroups(l)
		if err != nil {
			return err
		}
		if err := expect("state", listed[l.topic].State, "Empty"); err != nil {
			return err
		}
		offsets, err := admin.FetchOffsets(l, l.topic)
		if err != nil {
			return err
		}
		found, _ := offsets.Lookup(l.topic, 0)
		if err := expect("offset", found.At, int64(10)); err != nil {
			return err
		}
		if _, err := admin.DeleteOffsets(l, l.topic, kadm.TopicsSet{l.topic: {0: {}}}); err != nil {
			return err
		}
		deleted, err := admin.DeleteGroups(l, l.topic)
		if err != nil {
			return err
		}
		return deleted.Error()
	})
}
