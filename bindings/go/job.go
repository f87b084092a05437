package quant

import (
	"context"
	"errors"
	"io"
	"sync"

	"quant/native"
)

// Request is what a scheduler generates; all but the prompt may be left zero.
type Request struct {
	Prompt         string    // The whole sequence.
	MaxTokens      int       // 0: until the end or the context is full.
	Sampling       *Sampling // nil: as DefaultSampling.
	NoAddSpecial   bool      // As in GenerateOptions.
	NoParseSpecial bool
	IgnoreEnd      bool     // Tokens that end a text are never chosen.
	Stops          []string // Strings before whose first the text ends, at most 64.
	Grammar        string   // Text keeps to this grammar, in GBNF. One of these three.
	JSONSchema     string   // Or is JSON of this schema,
	JSONObject     bool     // or a JSON object of any kind.
	Client         uint64   // Who asks: requests of one number wait in one line.

	// OnText gets the text as it is made. It is called in the scheduler's thread, for which all jobs wait: it should
	// pass on and return. An error ends the job, and Wait returns it; ErrStop ends it without.
	OnText func(text string) error
}

func (r *Request) check() error {
	for _, stop := range r.Stops {
		if err := checkNames("a stop string", stop); err != nil {
			return err
		}
	}
	return checkNames("the grammar", r.Grammar, "the JSON schema", r.JSONSchema)
}

func nativeRequest(what Request) (native.Request, error) {
	var sizes counts
	most := sizes.u32("MaxTokens", what.MaxTokens)
	if sizes.err != nil {
		return nil, sizes.err
	}
	n := native.NewRequest()
	n.SetPrompt(what.Prompt)
	n.SetText_flags(promptFlags(what.NoAddSpecial, what.NoParseSpecial))
	n.SetMax_tokens(most)
	n.SetIgnore_end(what.IgnoreEnd)
	n.SetGrammar(what.Grammar)
	n.SetJson_schema(what.JSONSchema)
	n.SetJson_object(what.JSONObject)
	n.SetClient(what.Client)
	for _, stop := range what.Stops {
		n.Add_stop(stop)
	}
	return n, nil
}

// Job is a request that a scheduler has taken.
type Job struct {
	owner     *Scheduler // Until the end, for the collector would close one that nobody else refers to, and cancel this.
	h         *handle    // The scheduler's.
	scheduler native.Scheduler
	fn        func(string) error
	ended     *endedSinks
	sink      native.RequestSink

	mu      sync.Mutex
	id      uint64 // 0 until Submit knows it: events may come before.
	stopped bool
	cause   error // A context's.

	err      error // Of the callback.
	panicked bool
	value    interface{}

	done   chan struct{} // Closed at the end, when what follows is set.
	result Generated
	status Status
	text   string // The message.
}

// Done is closed when the job has ended.
func (j *Job) Done() <-chan struct{} { return j.done }

// Wait waits for the end. Where OnText has panicked, so does this.
func (j *Job) Wait() (Generated, error) {
	<-j.done
	if j.panicked {
		panic(j.value)
	}
	if j.err != nil {
		if errors.Is(j.err, ErrStop) {
			return j.result, nil
		}
		return j.result, j.err
	}
	if j.status == ErrCancelled {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.cause != nil {
			return j.result, endedBy(j.cause)
		}
	}
	if j.status != 0 {
		return j.result, &Error{Status: j.status, Message: j.text}
	}
	return j.result, nil
}

// Cancel ends the job before its next token; nothing where it has ended. Wait returns ErrCancelled then.
func (j *Job) Cancel() { j.cancel(nil) }

func (j *Job) cancel(cause error) {
	j.mu.Lock()
	j.stopped = true
	if j.cause == nil {
		j.cause = cause
	}
	id := j.id
	j.mu.Unlock()
	j.tell(id, func() { j.scheduler.Cancel(id) })
}

// Pause makes no more tokens for the job until it is called with false. Its place stays taken.
func (j *Job) Pause(paused bool) {
	j.mu.Lock()
	id := j.id
	j.mu.Unlock()
	j.tell(id, func() { j.scheduler.Pause(id, paused) })
}

// tell does so where the job has its number and the scheduler is open.
func (j *Job) tell(id uint64, what func()) {
	if id == 0 || j.h.acquire() != nil {
		return
	}
	defer j.h.release()
	what()
}

// numbered makes up for a stop that came before the number.
func (j *Job) numbered(id uint64) {
	j.mu.Lock()
	j.id = id
	stopped := j.stopped
	j.mu.Unlock()
	if stopped {
		j.cancel(nil)
	}
}

func (j *Job) watch(ctx context.Context) {
	if ctx == nil || ctx.Done() == nil {
		return
	}
	go func() {
		select {
		case <-ctx.Done():
			j.cancel(ctx.Err())
		case <-j.done:
		}
	}()
}

type requestSink struct{ job *Job }

// On_event is called by the library, in the scheduler's thread.
func (s *requestSink) On_event(text *byte, count int64, token int) {
	j := s.job
	if count <= 0 || j.fn == nil || j.err != nil || j.panicked {
		return
	}
	returned := false
	defer func() {
		if !returned {
			j.value = recover()
			j.panicked = true
		}
		if j.panicked || j.err != nil {
			j.cancel(nil)
		}
	}()
	j.err = j.fn(string(borrowedBytes(text, count)))
	returned = true
}

// On_end is called by the library, in the scheduler's thread or the one that frees it.
func (s *requestSink) On_end(status int, message string, result native.Quant_generate_result) {
	j := s.job
	j.status, j.text, j.result = Status(status), message, generated(result)
	j.owner = nil // The sink outlives the job, and would keep the scheduler for ever.
	j.ended.add(j.sink)
	close(j.done)
}

// Generate submits the request, writes the text to w in the goroutine that called, and waits for the end. However slow
// w is, nobody else waits for it. An error of w ends the job and is returned. OnText of the request is not called.
func (s *Scheduler) Generate(ctx context.Context, w io.Writer, what Request) (Generated, error) {
	var mu sync.Mutex
	var text []byte
	some := make(chan struct{}, 1)
	what.OnText = func(piece string) error {
		mu.Lock()
		text = append(text, piece...)
		mu.Unlock()
		select {
		case some <- struct{}{}:
		default:
		}
		return nil
	}
	job, err := s.Submit(ctx, what)
	if err != nil {
		return Generated{}, err
	}
	defer job.Cancel() // Of a w that panics.
	for ended := false; !ended; {
		select {
		case <-some:
		case <-job.done:
			ended = true
		}
		mu.Lock()
		now := text
		text = nil
		mu.Unlock()
		if err := writeAll(w, now); err != nil {
			job.Cancel()
			<-job.done
			return job.result, err
		}
	}
	return job.Wait()
}

func writeAll(w io.Writer, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	n, err := w.Write(text)
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	return err
}
