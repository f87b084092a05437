package quant

import "quant/native"

// Progress is where a long call stands.
type Progress struct {
	Stage   string // What is being done, such as a tensor's name.
	Done    uint64 // Units finished; which units, the call says.
	Total   uint64 // Units in all; 0 where that is not known.
	Seconds float64
	Detail  string // A running result worth showing ("PPL 17.8"), or "".
}

// ProgressFunc is called now and then by a long call, in the goroutine that made it. An error ends the call.
type ProgressFunc func(Progress) error

type progressSink struct {
	call *call
	fn   ProgressFunc
}

// On_progress is called by the library.
func (s *progressSink) On_progress(stage string, done, total uint64, seconds float64, detail string) int {
	return s.call.guard(func() error {
		if s.fn == nil {
			return nil
		}
		return s.fn(Progress{Stage: stage, Done: done, Total: total, Seconds: seconds, Detail: detail})
	})
}

// progress is the sink for fn, or none where neither it nor a context asks for one.
func (c *call) progress(fn ProgressFunc) native.ProgressSink {
	if fn == nil && !c.watches() {
		return native.SwigcptrProgressSink(0)
	}
	sink := native.NewDirectorProgressSink(&progressSink{call: c, fn: fn})
	c.cleanup = append(c.cleanup, func() { native.DeleteDirectorProgressSink(sink) })
	return sink
}
