package quant

import (
	"sync/atomic"

	"quant/native"
)

// Session is one sequence of tokens being run, and its keys and values. One call at a time: another meanwhile, also
// from a callback, is ErrBusy. It keeps its model.
type Session struct {
	closer
	native   native.Session
	length   atomic.Int64
	capacity int
}

// SessionOptions is how to begin a sequence: start with DefaultSessionOptions, and change what you need.
type SessionOptions struct {
	ContextLength int // Tokens it can hold; 0: the model's own length.
	Activations   Activations
	KeyType       Encoding // What keys are kept as: F32, F16 (default), BF16, Q8_0 or Q4_0.
	ValueType     Encoding // Likewise values.
	Draft         *Model   // A smaller model of the same vocabulary, which guesses at what comes next; nil: none.
	Lookup        bool     // Guess what followed when the sequence's end last occurred in it; not with Draft.
	DraftTokens   int      // Guesses at a time, 1 to 7; default 4. The text is the same with any.
}

// DefaultSessionOptions is what the library does where nothing is said.
func DefaultSessionOptions() SessionOptions {
	n := native.NewQuant_session_options()
	defer native.DeleteQuant_session_options(n)
	return SessionOptions{
		ContextLength: int(n.GetContext_length()), Activations: Activations(n.GetActivations()),
		KeyType: Encoding(n.GetKey_type()), ValueType: Encoding(n.GetValue_type()), Lookup: n.GetLookup() != 0,
		DraftTokens: int(n.GetDraft_tokens()),
	}
}

// NewSession begins an empty sequence; `how` may be nil.
func (m *Model) NewSession(how *SessionOptions) (*Session, error) {
	options, err := nativeSessionOptions(how)
	if err != nil {
		return nil, err
	}
	defer native.DeleteQuant_session_options(options)
	draft := native.Model(native.SwigcptrModel(0))
	if how != nil && how.Draft != nil {
		if err := how.Draft.h.acquire(); err != nil {
			return nil, err
		}
		defer how.Draft.h.release()
		draft = how.Draft.native
	}
	if err := m.h.acquire(); err != nil {
		return nil, err
	}
	defer m.h.release()
	c := newCall(nil)
	made := native.SessionOpen(m.native, options, draft, c.outcome)
	return newSession(c, made)
}

func nativeSessionOptions(how *SessionOptions) (native.Quant_session_options, error) {
	n := native.NewQuant_session_options()
	if how == nil {
		return n, nil
	}
	var sizes counts
	n.SetContext_length(sizes.u32("ContextLength", how.ContextLength))
	n.SetActivations(native.Quant_activations(how.Activations))
	n.SetKey_type(native.Quant_encoding(how.KeyType))
	n.SetValue_type(native.Quant_encoding(how.ValueType))
	n.SetLookup(b2i(how.Lookup))
	n.SetDraft_tokens(sizes.u32("DraftTokens", how.DraftTokens))
	if sizes.err != nil {
		native.DeleteQuant_session_options(n)
		return nil, sizes.err
	}
	return n, nil
}

func newSession(c *call, made native.Session) (*Session, error) {
	if err := c.finish(); err != nil {
		return nil, err
	}
	s := &Session{native: made, capacity: int(made.Capacity())}
	s.length.Store(int64(made.Length()))
	s.h = newHandle(func() { native.DeleteSession(made) })
	s.h.one = true
	closeUnreachable(s)
	return s, nil
}

// use begins a call on the session; the function that comes ends it.
func (s *Session) use() (func(), error) {
	if err := s.h.acquire(); err != nil {
		return nil, err
	}
	return func() {
		s.length.Store(int64(s.native.Length()))
		s.h.release()
	}, nil
}

// Len is the tokens in the sequence as the last call left it.
func (s *Session) Len() int { return int(s.length.Load()) }

// Cap is the tokens it can hold.
func (s *Session) Cap() int { return s.capacity }

// Fork begins a sequence with the first `length` tokens of this one, whose keys and values both then share in memory.
func (s *Session) Fork(length int) (*Session, error) {
	var sizes counts
	tokens := sizes.u32("length", length)
	if sizes.err != nil {
		return nil, sizes.err
	}
	done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	c := newCall(nil)
	return newSession(c, s.native.Fork(tokens, c.outcome))
}

// Truncate forgets all tokens from `length` on.
func (s *Session) Truncate(length int) error {
	var sizes counts
	tokens := sizes.u32("length", length)
	if sizes.err != nil {
		return sizes.err
	}
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	c := newCall(nil)
	s.native.Truncate(tokens, c.outcome)
	return c.finish()
}

// Run appends tokens and runs the model on them. What comes are the logits of the last one, one for each token of the
// vocabulary.
func (s *Session) Run(ids []int32) ([]float32, error) { return s.run(ids, false) }

// RunAll is Run with the logits of each of the tokens.
func (s *Session) RunAll(ids []int32) ([][]float32, error) {
	flat, err := s.run(ids, true)
	if err != nil {
		return nil, err
	}
	rows, width := make([][]float32, len(ids)), len(flat)/len(ids)
	for i := range rows {
		rows[i] = flat[i*width : (i+1)*width : (i+1)*width]
	}
	return rows, nil
}

func (s *Session) run(ids []int32, all bool) ([]float32, error) {
	done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	c := newCall(nil)
	logits := s.native.Run(ids, int64(len(ids)), all, c.outcome)
	if err := c.finish(); err != nil {
		return nil, err
	}
	return logits, nil
}
