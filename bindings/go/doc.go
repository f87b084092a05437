// Package quant quantizes language models, runs them, and measures what was lost. It is a layer over libquant.
//
// A [Model] is opened once and shared by as many goroutines as like; a [Session] is one sequence of tokens on it, used
// by one goroutine at a time; a [Scheduler] runs many generations at once. A [Plan] quantizes a model, a [Catalog]
// knows the models of this machine and how good each variant is, and [Encode] and [Decode] turn arrays of weights into
// blocks and back.
//
// # Closing
//
// What holds memory of the library has a Close method. A second Close does nothing, and what is used after it returns
// [ErrClosed]. What nobody refers to any more is closed by the garbage collector, at a time of its choice: models are
// large, so close them. Sessions and schedulers keep their model; it may be closed before them.
//
// # Errors
//
// Failures of the library are an [*Error] with a [Status] and one sentence that names the file, tensor or value. Each
// status is an error of its own: errors.Is(err, quant.ErrNotFound). Where a context ended a call, errors.Is finds the
// context's error, and [ErrCancelled].
//
// # Callbacks
//
// A callback that returns an error ends its call, which returns that error; [ErrStop] ends it without one. A callback
// that panics ends its call, too, which panics with the same value once the library has returned. Callbacks must not
// call runtime.Goexit, and so none of the FailNow methods of tests: the library's frames below them cannot be left so.
// They run in the goroutine that made the call, but those of a [Scheduler] and of [SetLogger], which say so.
//
// # Strings
//
// Strings are bytes, which are passed on as they are, NUL and invalid UTF-8 included; where the library wants a path or
// a name, a NUL is an error of the caller ([ErrArgument]).
package quant
