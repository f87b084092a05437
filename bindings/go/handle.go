package quant

import (
	"runtime"
	"sync"
)

// A handle is what stands between a Go object and the native one: it is freed once, after Close or when the garbage
// collector has found nobody who refers to the Go object, and never while a call is using it. The Go object refers to
// the handle and not the other way, and whoever calls holds the handle: so a finalizer that runs during a call only
// marks it.
type handle struct {
	free func()
	one  bool // Of calls at a time.

	mu     sync.Mutex
	users  int
	closed bool
}

func newHandle(free func()) *handle { return &handle{free: free} }

// acquire precedes each use, and release follows it where there was no error.
func (h *handle) acquire() error {
	if h == nil {
		return ErrClosed
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	if h.one && h.users > 0 {
		return &Error{Status: ErrBusy, Message: "another call is using it, and it is for one at a time"}
	}
	h.users++
	return nil
}

func (h *handle) release() {
	h.mu.Lock()
	h.users--
	last := h.closed && h.users == 0
	h.mu.Unlock()
	if last {
		h.free()
	}
}

func (h *handle) close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	first, idle := !h.closed, h.users == 0
	h.closed = true
	h.mu.Unlock()
	if first && idle {
		h.free()
	}
}

// closer gives Go objects their Close.
type closer struct{ h *handle }

// Close releases it: at once, or when the calls have returned that are using it now. Always nil.
func (c *closer) Close() error {
	if c != nil {
		c.h.close()
	}
	return nil
}

// closeUnreachable is the net under who forgets to close. `object` embeds the closer.
func closeUnreachable(object interface{ Close() error }) {
	runtime.SetFinalizer(object, func(o interface{ Close() error }) { o.Close() })
}
