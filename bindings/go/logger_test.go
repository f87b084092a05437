package quant

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"quant/native"
)

// say sends a line the library's way: through C++.
func say(level LogLevel, text string) {
	native.SwigcptrLogSink(logger.sink.Swigcptr()).On_log(int(level), text)
}

func TestLinesOfLogArriveUntilTheLoggerIsTakenAway(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	SetLogger(func(level LogLevel, text string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, level.String()+" "+text)
	})
	defer SetLogger(nil)
	say(LogWarning, "first")
	model, err := OpenWith(context.Background(), q8Path(t), &OpenOptions{PackCache: "on"}) // Tells what becomes of the pack.
	must(t, err)
	defer model.Close()
	_, err = newTestSession(t, model).Run([]int32{1})
	must(t, err)
	mu.Lock()
	count := len(lines)
	if count < 2 || lines[0] != "WARNING first" || !strings.Contains(strings.Join(lines[1:], "\n"), "pack") {
		t.Errorf("%q", lines)
	}
	mu.Unlock()
	SetLogger(nil)
	say(LogError, "late")
	if len(lines) != count {
		t.Errorf("%q", lines)
	}
}

func TestALoggerThatPanicsEndsTheProgram(t *testing.T) {
	if os.Getenv("LIBQUANT_GO_PANIC") != "" {
		SetLogger(func(LogLevel, string) { panic("of the logger") })
		func() {
			defer func() { recover() }()
			say(LogInfo, "x")
		}()
		select {}
	}
	command := exec.Command(os.Args[0], "-test.run=TestALoggerThatPanicsEndsTheProgram", "-test.timeout=60s")
	command.Env = append(os.Environ(), "LIBQUANT_GO_PANIC=1")
	output, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "panic: of the logger") {
		t.Errorf("%v: %s", err, output)
	}
}
