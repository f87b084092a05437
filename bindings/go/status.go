package quant

import (
	"io/fs"
	"strconv"
)

// Status is what became of a call of the library. It is an error as well, for errors.Is.
type Status int

// What the library reports. The numbers never change.
const (
	ErrArgument    Status = 1  // A parameter is outside what its comment allows.
	ErrNotFound    Status = 2  // No such file, model, variant, tensor or name.
	ErrIO          Status = 3  // The operating system refused a read or a write.
	ErrFormat      Status = 4  // The bytes break the rules of their format.
	ErrTruncated   Status = 5  // The file ends before what it announces.
	ErrLimit       Status = 6  // A count, size or depth over a stated limit.
	ErrUnsupported Status = 7  // Well formed, but of a kind this version lacks.
	ErrModel       Status = 8  // Hyperparameters or tensors do not make a model.
	ErrTokenizer   Status = 9  // The vocabulary or its description is inconsistent.
	ErrTemplate    Status = 10 // A chat template failed to parse or to run.
	ErrNoSpace     Status = 11 // The file system is full, or over quota.
	ErrNoMemory    Status = 12 // An allocation failed.
	ErrPermission  Status = 13 // Not allowed to read or write that.
	ErrCancelled   Status = 14 // A callback or a context said stop.
	ErrExists      Status = 15 // The name or file is there already.
	ErrBusy        Status = 16 // Somebody else holds it; try again.
	ErrCatalog     Status = 17 // The catalog is damaged or of a newer version.
	ErrVerify      Status = 18 // A check of content failed (digest, quality gate).
	ErrInternal    Status = 19 // A defect of the library; please report it.
	ErrUnavailable Status = 20 // Nobody serves there: no daemon listens at that socket.
)

var statusNames = [...]string{
	"OK", "ARGUMENT", "NOT_FOUND", "IO", "FORMAT", "TRUNCATED", "LIMIT", "UNSUPPORTED", "MODEL", "TOKENIZER", "TEMPLATE",
	"NO_SPACE", "NO_MEMORY", "PERMISSION", "CANCELLED", "EXISTS", "BUSY", "CATALOG", "VERIFY", "INTERNAL", "UNAVAILABLE",
}

// String is the status's name as C has it, without QUANT_ERR_: "NOT_FOUND".
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return "Status(" + strconv.Itoa(int(s)) + ")"
	}
	return statusNames[s]
}

// Error is "quant: NOT_FOUND".
func (s Status) Error() string { return "quant: " + s.String() }

// Is makes errors.Is(err, fs.ErrNotExist) and its like hold.
func (s Status) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return s == ErrNotFound
	case fs.ErrExist:
		return s == ErrExists
	case fs.ErrPermission:
		return s == ErrPermission
	}
	return false
}
