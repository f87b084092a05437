package quant

import (
	"context"
	"runtime"
	"sync"

	"quant/native"
)

// Scheduler runs many generations on one model at a time: weights are read once for all of them. Goroutines may share
// it. It keeps its model, and its jobs keep it until they end.
type Scheduler struct {
	closer
	native native.Scheduler
	ended  *endedSinks
	freed  chan struct{}
}

// SchedulerOptions begins with DefaultSchedulerOptions; change what you need.
type SchedulerOptions struct {
	ContextLength  int   // Tokens that a sequence can hold; 0: the model's own length.
	Sequences      int   // That run at a time; default 16.
	Queue          int   // Requests that wait at most; default 64.
	QueuePerClient int   // Of one client; default 16.
	CachedTokens   int64 // Of ended sequences whose keys and values are kept, together.
	KeyType        Encoding
	ValueType      Encoding
}

// DefaultSchedulerOptions is what the library does where nothing is said.
func DefaultSchedulerOptions() SchedulerOptions {
	n := native.NewQuant_scheduler_options()
	defer native.DeleteQuant_scheduler_options(n)
	return SchedulerOptions{
		ContextLength: int(n.GetContext_length()), Sequences: int(n.GetSequences()), Queue: int(n.GetQueue()),
		QueuePerClient: int(n.GetQueue_per_client()), CachedTokens: int64(n.GetCached_tokens()),
		KeyType: Encoding(n.GetKey_type()), ValueType: Encoding(n.GetValue_type()),
	}
}

// NewScheduler begins one without requests; `how` may be nil.
func (m *Model) NewScheduler(how *SchedulerOptions) (*Scheduler, error) {
	n := native.NewQuant_scheduler_options()
	defer native.DeleteQuant_scheduler_options(n)
	if how != nil {
		var sizes counts
		n.SetContext_length(sizes.u32("ContextLength", how.ContextLength))
		n.SetSequences(sizes.u32("Sequences", how.Sequences))
		n.SetQueue(sizes.u32("Queue", how.Queue))
		n.SetQueue_per_client(sizes.u32("QueuePerClient", how.QueuePerClient))
		n.SetCached_tokens(sizes.u64("CachedTokens", how.CachedTokens))
		n.SetKey_type(native.Quant_encoding(how.KeyType))
		n.SetValue_type(native.Quant_encoding(how.ValueType))
		if sizes.err != nil {
			return nil, sizes.err
		}
	}
	if err := m.h.acquire(); err != nil {
		return nil, err
	}
	defer m.h.release()
	c := newCall(nil)
	made := native.SchedulerOpen(m.native, n, c.outcome)
	if err := c.finish(); err != nil {
		return nil, err
	}
	s := &Scheduler{native: made, ended: &endedSinks{}, freed: make(chan struct{})}
	s.h = newHandle(freeScheduler(made, s.ended, s.freed))
	runtime.SetFinalizer(s, func(s *Scheduler) { s.h.close() })
	return s, nil
}

// freeScheduler has a goroutine of its own: the last who lets go of the handle may be a job that ends itself in the
// scheduler's thread, which cannot wait for itself, or the one goroutine of all finalizers, which should not wait.
func freeScheduler(made native.Scheduler, ended *endedSinks, freed chan<- struct{}) func() {
	return func() {
		go func() {
			native.DeleteScheduler(made)
			ended.free()
			close(freed)
		}()
	}
}

// Close cancels what the scheduler has, whose jobs end with ErrCancelled, and waits for the step it is at. Not from an
// OnText, for which the scheduler's thread would wait for ever. Always nil.
func (s *Scheduler) Close() error {
	if s != nil && s.h != nil {
		s.h.close()
		<-s.freed
	}
	return nil
}

// SchedulerStatistics is what a scheduler does and has done.
type SchedulerStatistics struct {
	Running         int // Sequences, now.
	Waiting         int // Requests in the queue, now.
	Requests        uint64
	Refused         uint64 // For the queue was full.
	Cancelled       uint64
	PromptTokens    uint64 // Of prompts read,
	CachedTokens    uint64 // of them, that had not to be run.
	GeneratedTokens uint64 // Of requests that have ended.
	KeptTokens      uint64 // Of ended sequences, kept now.
	StepSeconds     float64
}

// Statistics tells what it does and has done.
func (s *Scheduler) Statistics() (SchedulerStatistics, error) {
	if err := s.h.acquire(); err != nil {
		return SchedulerStatistics{}, err
	}
	defer s.h.release()
	c := newCall(nil)
	n := s.native.Statistics(c.outcome)
	defer native.DeleteQuant_scheduler_statistics(n)
	return SchedulerStatistics{
		Running: int(n.GetRunning()), Waiting: int(n.GetWaiting()), Requests: n.GetRequests(), Refused: n.GetRefused(),
		Cancelled: n.GetCancelled(), PromptTokens: n.GetPrompt_tokens(), CachedTokens: n.GetCached_tokens(),
		GeneratedTokens: n.GetGenerated_tokens(), KeptTokens: n.GetKept_tokens(), StepSeconds: n.GetStep_seconds(),
	}, c.finish()
}

// endedSinks are sinks whose last event has come but may not have returned yet. The scheduler tells all from one thread
// at a time: when the next end comes, those of before have returned.
type endedSinks struct {
	mu   sync.Mutex
	last []native.RequestSink
}

func (e *endedSinks) add(sink native.RequestSink) {
	e.free()
	e.mu.Lock()
	e.last = append(e.last, sink)
	e.mu.Unlock()
}

func (e *endedSinks) free() {
	e.mu.Lock()
	last := e.last
	e.last = nil
	e.mu.Unlock()
	for _, sink := range last {
		native.DeleteDirectorRequestSink(sink)
	}
}

// Submit puts a request in the queue. ErrBusy: that is full. When the context ends, so does the job.
func (s *Scheduler) Submit(ctx context.Context, what Request) (*Job, error) {
	if err := what.check(); err != nil {
		return nil, err
	}
	if err := begun(ctx); err != nil {
		return nil, err
	}
	if err := s.h.acquire(); err != nil {
		return nil, err
	}
	defer s.h.release()
	request, err := nativeRequest(what)
	if err != nil {
		return nil, err
	}
	defer native.DeleteRequest(request)
	sampling := nativeSampling(what.Sampling)
	defer native.DeleteQuant_sampling(sampling)

	job := &Job{
		owner: s, h: s.h, scheduler: s.native, fn: what.OnText, done: make(chan struct{}), ended: s.ended,
	}
	job.sink = native.NewDirectorRequestSink(&requestSink{job})
	c := newCall(nil)
	id := s.native.Submit(request, sampling, job.sink, c.outcome)
	if err := c.finish(); err != nil {
		native.DeleteDirectorRequestSink(job.sink)
		return nil, err
	}
	job.numbered(id)
	job.watch(ctx)
	return job, nil
}
