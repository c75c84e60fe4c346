// Sends with Apache's Go producer and prints the outcome as its last line.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const timeout = 30 * time.Second

// Percentage by which the heap may grow before it is collected: the default of 100 collects a small heap all the time.
const heapGrowth = 800

type peer struct {
	work     Work
	body     []byte
	producer rocketmq.Producer
	// Slowest thread's share of the messages divided by the mean share.
	slowest *float64
}

func main() {
	work := workFrom(os.Args[1:])
	rlog.SetLogLevel("error")
	debug.SetGCPercent(heapGrowth)
	client, err := rocketmq.NewProducer(
		producer.WithGroupName("rmq-bench"),
		producer.WithNameServer([]string{work.nameServer}),
		producer.WithSendMsgTimeout(timeout),
		producer.WithCompressMsgBodyOverHowmuch(1<<31-1),
	)
	if err != nil {
		fail(err)
	}
	if err := client.Start(); err != nil {
		fail(err)
	}
	p := &peer{work: work, body: bytes.Repeat([]byte("x"), work.body), producer: client}
	run, known := map[string]func(int) *Section{
		"lone": p.lone, "threads": p.threads, "async": p.async, "oneway": p.oneway, "batch": p.batch,
	}[work.mode]
	if !known {
		fail(fmt.Errorf("no mode %q", work.mode))
	}
	run(work.warmUp)
	run(work.count).print(work, p.slowest)
}

func (p *peer) message() *primitive.Message {
	return primitive.NewMessage(p.work.topic, p.body)
}

func (p *peer) send(section *Section, number int, messages ...*primitive.Message) {
	sentAt := time.Now()
	_, err := p.producer.SendSync(context.Background(), messages...)
	section.report(number, len(messages), sentAt, err)
}

func (p *peer) sendAsync(section *Section, number int, room chan struct{}, messages ...*primitive.Message) {
	room <- struct{}{}
	sentAt := time.Now()
	err := p.producer.SendAsync(context.Background(), func(_ context.Context, _ *primitive.SendResult, err error) {
		section.report(number, len(messages), sentAt, err)
		<-room
	}, messages...)
	if err != nil {
		section.report(number, len(messages), sentAt, err)
		<-room
	}
}

// fill waits until nothing is in flight.
func fill(room chan struct{}) {
	for range cap(room) {
		room <- struct{}{}
	}
}

func (p *peer) lone(count int) *Section {
	section := startSection(count)
	for i := range count {
		p.send(section, i, p.message())
	}
	section.stop(count)
	return section
}

func (p *peer) threads(count int) *Section {
	section := startSection(count)
	var next atomic.Int64
	var running sync.WaitGroup
	shares := make([]int, p.work.threads)
	for t := range shares {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				p.send(section, i, p.message())
				shares[t]++
			}
		})
	}
	running.Wait()
	section.stop(count)
	least := count
	for _, share := range shares {
		least = min(least, share)
	}
	slowest := float64(least*len(shares)) / float64(max(count, 1))
	p.slowest = &slowest
	return section
}

func (p *peer) async(count int) *Section {
	section := startSection(count)
	room := make(chan struct{}, p.work.window)
	for i := range count {
		p.sendAsync(section, i, room, p.message())
	}
	fill(room)
	section.stop(count)
	return section
}

// The last message is a blocking one: its answer says that the connection has carried all before it.
func (p *peer) oneway(count int) *Section {
	section := startSection(count)
	for i := range count - 1 {
		section.count(i, 1, p.producer.SendOneWay(context.Background(), p.message()))
	}
	if count > 0 {
		p.send(section, count-1, p.message())
	}
	section.stop(0)
	return section
}

// As many batches at once as the window has room for, at least one.
func (p *peer) batch(count int) *Section {
	sends := (count + p.work.batch - 1) / p.work.batch
	section := startSection(sends)
	room := make(chan struct{}, max(p.work.window/p.work.batch, 1))
	for i := range sends {
		messages := make([]*primitive.Message, min(p.work.batch, count-i*p.work.batch))
		for j := range messages {
			messages[j] = p.message()
		}
		if cap(room) == 1 {
			p.send(section, i, messages...)
		} else {
			p.sendAsync(section, i, room, messages...)
		}
	}
	fill(room)
	section.stop(sends)
	return section
}
