package quant

import (
	"context"
	"runtime"
	"sync"
)

// Stream is a generation that is read piece by piece:
//
//	stream := session.Stream(ctx, quant.GenerateOptions{Prompt: "In the beginning"})
//	defer stream.Close()
//	for stream.Next() {
//		fmt.Print(stream.Text())
//	}
//	return stream.Err()
//
// It begins with the first Next and makes no more than is asked for. One goroutine at a time uses it. Until its end or
// Close the session is in use, and a thread of the process waits in it; the garbage collector ends a stream that nobody
// refers to any more.
type Stream struct {
	inner *generation
	text  string
}

// What runs the generation refers to this and not to the Stream, so that the collector can find that abandoned.
type generation struct {
	start  func()
	once   sync.Once
	quit   sync.Once
	more   chan struct{} // The reader wants a piece.
	pieces chan string
	stop   chan struct{} // Closed: the reader wants no more.
	done   chan struct{} // Closed: it has ended, and what is below is set.

	result   Generated
	err      error
	panicked bool
	value    interface{}
}

// Stream prepares a generation of this session.
func (s *Session) Stream(ctx context.Context, how GenerateOptions) *Stream {
	g := &generation{
		more: make(chan struct{}), pieces: make(chan string), stop: make(chan struct{}), done: make(chan struct{}),
	}
	g.start = func() { go g.run(ctx, s, how) }
	stream := &Stream{inner: g}
	runtime.SetFinalizer(stream, func(st *Stream) { st.inner.end() })
	return stream
}

func (g *generation) run(ctx context.Context, s *Session, how GenerateOptions) {
	defer close(g.done)
	defer func() { // Of OnPrefill, in the reader's goroutine.
		if value := recover(); value != nil {
			g.panicked, g.value = true, value
		}
	}()
	g.result, g.err = s.GenerateFunc(ctx, how, func(text string) error { return g.give(ctx, text) })
}

// give hands a piece over and waits until the reader wants another.
func (g *generation) give(ctx context.Context, text string) error {
	var cancelled <-chan struct{}
	if ctx != nil {
		cancelled = ctx.Done()
	}
	select {
	case g.pieces <- text:
	case <-g.stop:
		return ErrStop
	case <-cancelled:
		return endedBy(ctx.Err())
	}
	select {
	case <-g.more:
		return nil
	case <-g.stop:
		return ErrStop
	case <-cancelled:
		return endedBy(ctx.Err())
	}
}

// end tells the generation to end, and does not wait for it.
func (g *generation) end() {
	g.once.Do(func() { close(g.done) }) // It never began.
	g.quit.Do(func() { close(g.stop) })
}

// Next waits for a piece of text; false: the generation has ended.
func (st *Stream) Next() bool {
	g := st.inner
	first := false
	g.once.Do(func() { first = true; g.start() })
	if !first {
		select {
		case g.more <- struct{}{}:
		case <-g.done:
			return st.ended()
		}
	}
	select {
	case st.text = <-g.pieces:
		return true
	case <-g.done:
		return st.ended()
	}
}

func (st *Stream) ended() bool {
	st.text = ""
	if g := st.inner; g.panicked {
		g.panicked = false
		panic(g.value)
	}
	return false
}

// Text is the piece that the last Next has brought: whole UTF-8 characters.
func (st *Stream) Text() string { return st.text }

// Err is what the generation failed with, once Next was false; nil where it ended well or by Close.
func (st *Stream) Err() error {
	select {
	case <-st.inner.done:
		return st.inner.err
	default:
		return nil
	}
}

// Result is what the generation took, once Next was false or after Close.
func (st *Stream) Result() Generated {
	select {
	case <-st.inner.done:
		return st.inner.result
	default:
		return Generated{}
	}
}

// Close ends the generation where it is, and waits until the session is free again. Always nil.
func (st *Stream) Close() error {
	st.inner.end()
	<-st.inner.done
	return nil
}
