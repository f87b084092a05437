package quant

import (
	"sync"
	"sync/atomic"

	"quant/native"
)

// LogLevel is how serious a log line is.
type LogLevel int

// The levels.
const (
	LogDebug   LogLevel = 0
	LogInfo    LogLevel = 1
	LogWarning LogLevel = 2
	LogError   LogLevel = 3
)

func (l LogLevel) String() string {
	switch l {
	case LogDebug:
		return "DEBUG"
	case LogInfo:
		return "INFO"
	case LogWarning:
		return "WARNING"
	}
	return "ERROR"
}

// LogFunc receives a log line, without a newline.
type LogFunc func(level LogLevel, text string)

// The library's threads may be on their way into the sink when another is set: so there is one, which is never freed.
var logger struct {
	once sync.Once
	sink native.LogSink
	fn   atomic.Value // LogFunc, maybe nil.
}

type logSink struct{}

// On_log is called by the library.
func (logSink) On_log(level int, text string) {
	fn, _ := logger.fn.Load().(LogFunc)
	if fn == nil {
		return
	}
	defer func() {
		if value := recover(); value != nil {
			go panic(value) // Not through C: it ends the program, as in any goroutine that nobody recovers.
		}
	}()
	fn(LogLevel(level), text)
}

// SetLogger says where log lines go; there is no logger until then, and none after nil. It is the process's one.
//
// `fn` is called from any thread, maybe from several at a time, and holds up what called it. Its panics end the
// program.
func SetLogger(fn LogFunc) {
	logger.once.Do(func() { logger.sink = native.NewDirectorLogSink(logSink{}) })
	logger.fn.Store(fn)
	if fn == nil {
		native.Set_logger(native.SwigcptrLogSink(0))
		return
	}
	native.Set_logger(logger.sink)
}
