package quant

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// Goroutines that generate at once, each of which stops from its callback, in sessions and in a scheduler, among them
// those that panic and fail.
func TestCallbacksUnderLoad(t *testing.T) {
	model := openQ8(t)
	scheduler := newTestScheduler(t)
	const goroutines, rounds = 8, 12
	var pieces atomic.Int64
	var all sync.WaitGroup
	for i := 0; i < goroutines; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			how := DefaultSessionOptions()
			how.ContextLength = 128
			for n := 0; n < rounds; n++ {
				most := 1 + (i+n)%6
				if err := stopAfter(most, &pieces, func(fn func(string) error) (Generated, error) {
					if n%2 == 1 {
						job, err := scheduler.Submit(context.Background(), Request{Prompt: fmt.Sprint("And ", i), OnText: fn,
							MaxTokens: 60, IgnoreEnd: true, Sampling: Greedy(), Client: uint64(i)})
						if err != nil {
							return Generated{}, err
						}
						return job.Wait()
					}
					session, err := model.NewSession(&how)
					if err != nil {
						return Generated{}, err
					}
					defer session.Close()
					return session.GenerateFunc(context.Background(), greedy(fmt.Sprint("And ", i), 60), fn)
				}, n%3); err != nil {
					t.Errorf("goroutine %d, round %d: %v", i, n, err)
				}
			}
		}(i)
	}
	all.Wait()
	if pieces.Load() < goroutines*rounds {
		t.Errorf("%d pieces", pieces.Load())
	}
}

// stopAfter so many pieces in one of three ways, and checks that it comes out.
func stopAfter(most int, pieces *atomic.Int64, generate func(func(string) error) (Generated, error), way int) (err error) {
	defer func() {
		if value := recover(); value != nil && value != most {
			err = fmt.Errorf("panicked with %v, not %d", value, most)
		}
	}()
	count := 0
	_, err = generate(func(string) error {
		pieces.Add(1)
		if count++; count < most {
			return nil
		}
		switch way {
		case 0:
			return ErrStop
		case 1:
			return errMine
		}
		panic(most)
	})
	if way == 2 {
		return fmt.Errorf("no panic after %d pieces: %v", count, err)
	}
	if way == 1 {
		if err != errMine {
			return fmt.Errorf("failed with %v", err)
		}
		err = nil
	}
	if err == nil && count != most {
		return fmt.Errorf("%d pieces, not %d", count, most)
	}
	return err
}
