package quant

import (
	"context"
	"testing"

	"quant/native"
)

// What a piece of text costs on its way from C++ into a callback, and on its own way into C++, which a token has not.
func BenchmarkCallback(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := newCall(ctx)
	defer c.drop()
	count := 0
	fn := func(text string) error { count += len(text); return nil }
	sink := native.NewDirectorTextSink(&textSink{call: c, write: func(text []byte) error { return fn(string(text)) }})
	defer native.DeleteDirectorTextSink(sink)
	through, text := native.SwigcptrTextSink(sink.Swigcptr()), []byte(" shepherd")
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		through.On_text(&text[0], int64(len(text)))
	}
	if count != b.N*len(text) {
		b.Errorf("%d bytes", count)
	}
}

func BenchmarkStream(b *testing.B) {
	session := newTestSession(b, openQ8(b))
	stream := session.Stream(context.Background(), greedy("And", 0))
	defer func() { stream.Close() }()
	for i := 0; i < b.N; i++ {
		if !stream.Next() {
			stream.Close()
			must(b, session.Truncate(0))
			stream = session.Stream(context.Background(), greedy("And", 0))
		}
	}
}
