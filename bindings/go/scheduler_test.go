package quant

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newTestScheduler(t *testing.T) *Scheduler {
	t.Helper()
	how := DefaultSchedulerOptions()
	how.ContextLength = 256
	scheduler, err := openQ8(t).NewScheduler(&how)
	must(t, err)
	t.Cleanup(func() { scheduler.Close() })
	return scheduler
}

func TestManyJobsComeOutAsEachAlone(t *testing.T) {
	scheduler := newTestScheduler(t)
	prompts := []string{"In the beginning", "And God said", "The LORD is", "Blessed are", "And it came to pass", "Behold"}
	var all sync.WaitGroup
	for i, prompt := range prompts {
		all.Add(1)
		go func(i int, prompt string) {
			defer all.Done()
			var text, alone bytes.Buffer
			request := Request{Prompt: prompt, MaxTokens: 24, Sampling: Greedy(), Client: uint64(i)}
			result, err := scheduler.Generate(context.Background(), &text, request)
			if err != nil || result.GeneratedTokens == 0 {
				t.Errorf("%s: %+v, %v", prompt, result, err)
				return
			}
			job, err := scheduler.Submit(context.Background(), Request{Prompt: prompt, MaxTokens: 24, Sampling: Greedy(),
				OnText: func(piece string) error { alone.WriteString(piece); return nil }})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err = job.Wait(); err != nil || text.String() != alone.String() {
				t.Errorf("%q, and again %q, %v", text.String(), alone.String(), err)
			}
		}(i, prompt)
	}
	all.Wait()
	statistics, err := scheduler.Statistics()
	must(t, err)
	if statistics.Requests != uint64(2*len(prompts)) {
		t.Errorf("%+v", statistics)
	}
}

func TestJobsEndByCallbackContextAndCancel(t *testing.T) {
	scheduler := newTestScheduler(t)
	submit := func(ctx context.Context, fn func(string) error) *Job {
		job, err := scheduler.Submit(ctx, Request{Prompt: "And", MaxTokens: 200, IgnoreEnd: true, Sampling: Greedy(), OnText: fn})
		must(t, err)
		return job
	}
	background := context.Background()
	_, err := submit(background, func(string) error { return errMine }).Wait()
	wantError(t, err, errMine)
	result, err := submit(background, func(string) error { return ErrStop }).Wait()
	must(t, err)
	if result.Stop != StopCaller {
		t.Errorf("stopped by %v", result.Stop)
	}
	if value := panicOf(func() { submit(background, func(string) error { panic("there") }).Wait() }); value != "there" {
		t.Errorf("panicked with %v", value)
	}
	ctx, cancel := context.WithCancel(background)
	_, err = submit(ctx, func(string) error { cancel(); time.Sleep(time.Millisecond); return nil }).Wait()
	wantError(t, err, context.Canceled)
	wantError(t, err, ErrCancelled)
	job := submit(background, nil)
	job.Pause(true)
	job.Cancel()
	job.Cancel()
	_, err = job.Wait()
	wantError(t, err, ErrCancelled)
	if errors.Is(err, context.Canceled) {
		t.Error("it was no context's")
	}
	_, err = scheduler.Submit(background, Request{Prompt: "x", Grammar: "no grammar"})
	wantError(t, err, ErrArgument)
	_, err = scheduler.Submit(background, Request{Prompt: "x", Stops: []string{"a\x00"}})
	wantError(t, err, ErrArgument)
	_, err = scheduler.Submit(background, Request{Prompt: "x", MaxTokens: -1})
	wantError(t, err, ErrArgument)
}

type slowWriter struct{ after func() error }

func (w slowWriter) Write(p []byte) (int, error) { return len(p), w.after() }

func TestAWriterOfAJobFailsAndPanics(t *testing.T) {
	scheduler := newTestScheduler(t)
	request := Request{Prompt: "And", MaxTokens: 100, IgnoreEnd: true}
	_, err := scheduler.Generate(context.Background(), slowWriter{func() error { return errMine }}, request)
	wantError(t, err, errMine)
	value := panicOf(func() {
		scheduler.Generate(context.Background(), slowWriter{func() error { panic("writing") }}, request)
	})
	if value != "writing" {
		t.Errorf("panicked with %v", value)
	}
}

func TestStopsAndJSONAreKeptTo(t *testing.T) {
	scheduler := newTestScheduler(t)
	var text bytes.Buffer
	result, err := scheduler.Generate(context.Background(), &text, Request{Prompt: "And God said", MaxTokens: 100,
		Sampling: Greedy(), Stops: []string{" the"}})
	must(t, err)
	if bytes.Contains(text.Bytes(), []byte(" the")) || result.Stop != StopText {
		t.Errorf("%q, %+v", text.String(), result)
	}
	text.Reset()
	_, err = scheduler.Generate(context.Background(), &text, Request{Prompt: "And", MaxTokens: 30, Sampling: Greedy(),
		Grammar: `root ::= "ab" "cd"`})
	must(t, err)
	if text.String() != "abcd" {
		t.Errorf("%q", text.String())
	}
}

func TestClosingASchedulerEndsItsJobs(t *testing.T) {
	scheduler := newTestScheduler(t)
	var jobs []*Job
	for i := 0; i < 6; i++ {
		job, err := scheduler.Submit(context.Background(), Request{Prompt: fmt.Sprint("And ", i), IgnoreEnd: true, MaxTokens: 200})
		must(t, err)
		jobs = append(jobs, job)
	}
	must(t, scheduler.Close())
	for _, job := range jobs {
		_, err := job.Wait()
		wantError(t, err, ErrCancelled)
		job.Cancel()
		job.Pause(true)
	}
}

// Whoever lets go of the scheduler last may be its own thread.
func TestASchedulerClosesWhileJobsEndThemselves(t *testing.T) {
	model := openQ8(t)
	how := DefaultSchedulerOptions()
	how.ContextLength = 64
	for i := 0; i < 60; i++ {
		scheduler, err := model.NewScheduler(&how)
		must(t, err)
		var jobs []*Job
		begun := make(chan struct{}, 4)
		for n := 0; n < 4; n++ {
			var own atomic.Value
			job, err := scheduler.Submit(context.Background(), Request{Prompt: "And", IgnoreEnd: true, OnText: func(string) error {
				select {
				case begun <- struct{}{}:
				default:
				}
				if job, ok := own.Load().(*Job); ok {
					job.Pause(false)
					job.Cancel()
				}
				return nil
			}})
			must(t, err)
			own.Store(job)
			jobs = append(jobs, job)
		}
		<-begun
		must(t, scheduler.Close())
		for _, job := range jobs {
			_, err := job.Wait()
			if err != nil {
				wantError(t, err, ErrCancelled)
			}
		}
	}
}

// Here nobody but the job refers to the scheduler, which is forgotten only when that has ended.
func TestAJobKeepsItsScheduler(t *testing.T) {
	model := openQ8(t)
	begin := func() (*Job, chan struct{}) {
		how := DefaultSchedulerOptions()
		how.ContextLength = 256
		scheduler, err := model.NewScheduler(&how)
		must(t, err)
		job, err := scheduler.Submit(context.Background(), Request{Prompt: "And", MaxTokens: 100, IgnoreEnd: true,
			OnText: func(string) error { time.Sleep(time.Millisecond); return nil }})
		must(t, err)
		return job, scheduler.freed
	}
	job, freed := begin()
	for ended := false; !ended; {
		runtime.GC()
		select {
		case <-job.Done():
			ended = true
		case <-time.After(5 * time.Millisecond):
		}
	}
	result, err := job.Wait()
	must(t, err)
	if result.GeneratedTokens != 100 {
		t.Errorf("%+v", result)
	}
	waitForCollector(t, freed)
}

func TestAForgottenSchedulerIsClosed(t *testing.T) {
	model := openQ8(t)
	var freed chan struct{}
	func() {
		scheduler, err := model.NewScheduler(nil)
		must(t, err)
		freed = scheduler.freed
	}()
	waitForCollector(t, freed)
}

func waitForCollector(t *testing.T, freed <-chan struct{}) {
	t.Helper()
	for tries := 0; tries < 200; tries++ {
		runtime.GC()
		select {
		case <-freed:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("it is never closed")
}
