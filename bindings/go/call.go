package quant

import (
	"context"
	"errors"
	"math"

	"quant/native"
)

// A call is one call of the library: the outcome it fills in, and what its callbacks have come to, of which the
// library knows only that they said stop. Nothing may unwind through C: a panic waits in here until C has returned.
type call struct {
	outcome  native.Outcome
	ctx      context.Context
	err      error // What a callback returned.
	ended    error // The context's, where that is why a callback said stop.
	panicked bool
	value    interface{} // That it panicked with.
	cleanup  []func()
}

// newCall; finish() or drop() must follow. `ctx` may be nil.
func newCall(ctx context.Context) *call {
	return &call{outcome: native.NewOutcome(), ctx: ctx}
}

// guard runs the body of a callback; what comes is not 0 to stop.
func (c *call) guard(body func() error) (stop int) {
	if c.err != nil || c.panicked || c.over() {
		return 1
	}
	returned := false
	defer func() {
		if !returned {
			c.value = recover()
			c.panicked = true
			stop = 1
		}
	}()
	c.err = body()
	returned = true
	if c.err != nil || c.over() { // The body itself may have ended the context.
		return 1
	}
	return 0
}

// over tells whether the context has ended.
func (c *call) over() bool {
	if c.ended == nil && c.ctx != nil {
		c.ended = c.ctx.Err()
	}
	return c.ended != nil
}

// finish is the error of the call, after it. It panics where a callback has.
func (c *call) finish() error {
	status, message := Status(c.outcome.Status()), ""
	if status != 0 {
		message = c.outcome.Message()
	}
	c.drop()
	if c.panicked {
		panic(c.value)
	}
	if c.err != nil && !errors.Is(c.err, ErrStop) {
		return c.err
	}
	if c.ended != nil {
		return endedBy(c.ended)
	}
	if status != 0 {
		return &Error{Status: status, Message: message}
	}
	return nil
}

// drop releases what the call has.
func (c *call) drop() {
	for _, release := range c.cleanup {
		release()
	}
	c.cleanup = nil
	if c.outcome != nil {
		native.DeleteOutcome(c.outcome)
		c.outcome = nil
	}
}

// watches tells whether a context can end the call.
func (c *call) watches() bool { return c.ctx != nil && c.ctx.Done() != nil }

// begun is the error of a context that has ended before the call.
func begun(ctx context.Context) error {
	if ctx == nil || ctx.Err() == nil {
		return nil
	}
	return endedBy(ctx.Err())
}

func endedBy(cause error) error {
	return &Error{Status: ErrCancelled, Message: cause.Error(), cause: cause}
}

// counts turns Go's ints into C's unsigned ones and keeps the first error.
type counts struct{ err error }

func (c *counts) u32(name string, n int) uint {
	if n < 0 || int64(n) > math.MaxUint32 {
		if c.err == nil {
			c.err = argumentError("%s is %d; 0 to %d are possible", name, n, uint32(math.MaxUint32))
		}
		return 0
	}
	return uint(n)
}

func (c *counts) u64(name string, n int64) uint64 {
	if n < 0 {
		if c.err == nil {
			c.err = argumentError("%s is %d, below 0", name, n)
		}
		return 0
	}
	return uint64(n)
}

// checkNames refuses what C would read as a shorter string. Names come in pairs: what it is, and the string.
func checkNames(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		for _, b := range []byte(pairs[i+1]) {
			if b == 0 {
				return argumentError("%s holds a NUL byte: %q", pairs[i], pairs[i+1])
			}
		}
	}
	return nil
}

func b2i(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
