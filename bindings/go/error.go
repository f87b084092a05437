package quant

import (
	"errors"
	"fmt"
)

// Error is a failure of the library.
type Error struct {
	Status  Status
	Message string // One sentence that names the file, the tensor or the value, and what was expected.

	cause error // Of a context that ended the call.
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Status.Error()
	}
	return "quant: " + e.Message
}

// Is compares the status, and says what Status.Is says.
func (e *Error) Is(target error) bool {
	if status, ok := target.(Status); ok {
		return e.Status == status
	}
	return e.Status.Is(target)
}

// Unwrap is the context's error where one ended the call.
func (e *Error) Unwrap() error { return e.cause }

// ErrClosed is returned by methods of what has been closed.
var ErrClosed = errors.New("quant: used after Close")

// ErrStop is returned by a callback that has enough: the call ends, and that is no failure of it where it has a result
// all the same, as a generation has. Others, such as quantizing, have failed then with ErrCancelled.
var ErrStop = errors.New("quant: stop")

func argumentError(format string, values ...interface{}) error {
	return &Error{Status: ErrArgument, Message: fmt.Sprintf(format, values...)}
}
