package quant

import (
	"context"

	"quant/native"
)

// EncodeOptions is how to encode; the zero value is the default.
type EncodeOptions struct {
	Method     Method
	Importance []float32    // A weight >= 0 of each column, the same for every row; nil: none.
	Progress   ProgressFunc // Units are weights.
}

// Encode makes blocks of weights: row-major rows of `cols`, all finite. `how` may be nil.
func Encode(ctx context.Context, e Encoding, weights []float32, cols int, how *EncodeOptions) ([]byte, error) {
	rows, err := rowsOf(len(weights), cols)
	if err != nil {
		return nil, err
	}
	size, err := e.Size(rows, cols)
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	if err := EncodeInto(ctx, out, e, weights, cols, how); err != nil {
		return nil, err
	}
	return out, nil
}

// EncodeInto is Encode into memory of the caller, Encoding.Size bytes of it. After an error part of it is written.
// Neither array is copied; nobody else may write to them meanwhile.
func EncodeInto(ctx context.Context, out []byte, e Encoding, weights []float32, cols int, how *EncodeOptions) error {
	rows, err := rowsOf(len(weights), cols)
	if err != nil {
		return err
	}
	if how == nil {
		how = &EncodeOptions{}
	}
	if how.Importance != nil && len(how.Importance) != cols {
		return argumentError("%d weights of importance for %d columns", len(how.Importance), cols)
	}
	if err := begun(ctx); err != nil {
		return err
	}
	c := newCall(ctx)
	native.Encode(int(e), weights, uint64(rows), uint64(cols), int(how.Method), how.Importance,
		c.progress(how.Progress), out, uint64(len(out)), c.outcome)
	return cancelled(c)
}

// Decode makes rows x cols float32 of blocks, row-major. Any bytes decode to something.
func Decode(e Encoding, blocks []byte, rows, cols int) ([]float32, error) {
	size, err := e.Size(rows, cols)
	if err != nil {
		return nil, err
	}
	if size != len(blocks) {
		return nil, argumentError("%d bytes of %v, where %d rows of %d weights are %d", len(blocks), e, rows, cols, size)
	}
	out := make([]float32, rows*cols)
	if err := DecodeInto(out, e, blocks, cols); err != nil {
		return nil, err
	}
	return out, nil
}

// DecodeInto is Decode into memory of the caller, of which all is filled.
func DecodeInto(out []float32, e Encoding, blocks []byte, cols int) error {
	rows, err := rowsOf(len(out), cols)
	if err != nil {
		return err
	}
	c := newCall(nil)
	native.Decode(int(e), blocks, uint64(len(blocks)), uint64(rows), uint64(cols), out, c.outcome)
	return c.finish()
}

func rowsOf(weights, cols int) (int, error) {
	if cols <= 0 || weights%cols != 0 {
		return 0, argumentError("%d weights are no whole rows of %d", weights, cols)
	}
	return weights / cols, nil
}

// cancelled is finish() of a call that has no result where a callback stopped it.
func cancelled(c *call) error {
	err := c.finish()
	if err == nil && c.err != nil {
		return &Error{Status: ErrCancelled, Message: "the callback asked to stop"}
	}
	return err
}
