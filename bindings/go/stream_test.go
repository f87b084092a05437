package quant

import (
	"context"
	"runtime"
	"testing"
	"time"
)

func TestAStreamMakesNoMoreThanIsRead(t *testing.T) {
	model := openQ8(t)
	ended := newTestSession(t, model)
	pieces := 0
	_, err := ended.GenerateFunc(context.Background(), greedy("And it came to pass", 100), func(string) error {
		if pieces++; pieces == 3 {
			return ErrStop
		}
		return nil
	})
	must(t, err)

	session := newTestSession(t, model)
	stream := session.Stream(context.Background(), greedy("And it came to pass", 100))
	for i := 0; i < 3; i++ {
		if !stream.Next() {
			t.Fatal(stream.Err())
		}
	}
	wantError(t, session.Truncate(0), ErrBusy)
	must(t, stream.Close())
	must(t, stream.Close())
	must(t, stream.Err())
	if session.Len() != ended.Len() || stream.Result().Stop != StopCaller {
		t.Errorf("%d tokens, not %d; %+v", session.Len(), ended.Len(), stream.Result())
	}
	if stream.Next() {
		t.Error("a closed stream goes on")
	}
	must(t, session.Truncate(0))
}

func TestAStreamThatNeverBeganIsClosed(t *testing.T) {
	session := newTestSession(t, openQ8(t))
	stream := session.Stream(context.Background(), greedy("And", 10))
	must(t, stream.Close())
	if stream.Next() || stream.Err() != nil {
		t.Error("it began after Close")
	}
	must(t, session.Truncate(0))
}

func TestAContextEndsAStreamThatNobodyReads(t *testing.T) {
	session := newTestSession(t, openQ8(t))
	ctx, cancel := context.WithCancel(context.Background())
	stream := session.Stream(ctx, greedy("And", 100))
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	cancel()
	<-stream.inner.done
	if stream.Next() {
		t.Error("it goes on")
	}
	wantError(t, stream.Err(), context.Canceled)
}

func TestErrorsAndPanicsComeOutOfAStream(t *testing.T) {
	session := newTestSession(t, openQ8(t))
	stream := session.Stream(context.Background(), GenerateOptions{Prompt: "x", MaxTokens: -1})
	if stream.Next() {
		t.Error("it began")
	}
	wantError(t, stream.Err(), ErrArgument)
	stream = session.Stream(context.Background(), GenerateOptions{Prompt: "x", OnPrefill: func(Progress) error { panic("early") }})
	value := panicOf(func() {
		for stream.Next() {
		}
	})
	if value != "early" {
		t.Errorf("panicked with %v", value)
	}
	must(t, stream.Close())
}

func TestAnAbandonedStreamLetsGoOfItsSession(t *testing.T) {
	session := newTestSession(t, openQ8(t))
	func() {
		stream := session.Stream(context.Background(), greedy("And", 100))
		if !stream.Next() {
			t.Fatal(stream.Err())
		}
	}()
	for tries := 0; session.Truncate(0) != nil; tries++ {
		if tries == 200 {
			t.Fatal("the session is in use for ever")
		}
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
	}
}
