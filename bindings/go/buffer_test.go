package quant

import (
	"context"
	"math"
	"testing"
)

func TestWhatIsEncodedDecodesToNearlyTheSame(t *testing.T) {
	weights := madeWeights(8 * 512)
	for _, e := range []Encoding{Q8_0, Q4_0, Q6_K, F16} {
		blocks, err := Encode(context.Background(), e, weights, 512, &EncodeOptions{Method: MethodRound})
		must(t, err)
		size, err := e.Size(8, 512)
		must(t, err)
		if len(blocks) != size {
			t.Fatalf("%v: %d bytes, not %d", e, len(blocks), size)
		}
		back, err := Decode(e, blocks, 8, 512)
		must(t, err)
		for i := range back {
			if math.Abs(float64(back[i]-weights[i])) > 0.13 {
				t.Fatalf("%v: weight %d is %v, not %v", e, i, back[i], weights[i])
			}
		}
	}
}

func TestImportanceOfColumnsIsTaken(t *testing.T) {
	weights, importance := madeWeights(4*256), make([]float32, 256)
	for i := range importance {
		importance[i] = float32(i%7) + 0.5
	}
	plain, err := Encode(context.Background(), Q4_K, weights, 256, nil)
	must(t, err)
	weighed, err := Encode(context.Background(), Q4_K, weights, 256, &EncodeOptions{Importance: importance})
	must(t, err)
	if string(plain) == string(weighed) {
		t.Error("importance has changed nothing")
	}
	_, err = Encode(context.Background(), Q4_K, weights, 256, &EncodeOptions{Importance: importance[:100]})
	wantError(t, err, ErrArgument)
}

func TestSizesThatDoNotFitAreErrors(t *testing.T) {
	weights := madeWeights(64)
	for _, cols := range []int{0, -1, 63, 16} {
		_, err := Encode(context.Background(), Q8_0, weights, cols, nil)
		wantError(t, err, ErrArgument)
	}
	wantError(t, EncodeInto(context.Background(), make([]byte, 5), Q8_0, weights, 64, nil), ErrArgument)
	_, err := Decode(Q8_0, make([]byte, 33), 1, 32)
	wantError(t, err, ErrArgument)
	_, err = Decode(Q8_0, nil, -1, 32)
	wantError(t, err, ErrArgument)
	_, err = Encode(context.Background(), Encoding(99), weights, 64, nil)
	wantError(t, err, ErrUnsupported)
}

func TestEncodingIsCancelledByContextAndByCallback(t *testing.T) {
	weights := madeWeights(1 << 20)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Encode(ctx, Q4_K, weights, 1024, &EncodeOptions{Progress: func(p Progress) error {
		if p.Done > p.Total {
			t.Errorf("%d of %d", p.Done, p.Total)
		}
		cancel()
		return nil
	}})
	wantError(t, err, context.Canceled)
	wantError(t, err, ErrCancelled)
	_, err = Encode(context.Background(), Q4_K, weights, 1024, &EncodeOptions{Progress: func(Progress) error { return errMine }})
	wantError(t, err, errMine)
	_, err = Encode(context.Background(), Q4_K, weights, 1024, &EncodeOptions{Progress: func(Progress) error { return ErrStop }})
	wantError(t, err, ErrCancelled)
	value := panicOf(func() {
		Encode(context.Background(), Q4_K, weights, 1024, &EncodeOptions{Progress: func(Progress) error { panic("at work") }})
	})
	if value != "at work" {
		t.Errorf("panicked with %v", value)
	}
}
