package quant

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"quant/native"
)

// Nothing in a small model's life is worth a line of log, so the sink is called as the library calls it.
func say(level LogLevel, text string) { logger.sink.On_log(int(level), text) }

func TestLinesOfLogArriveUntilTheLoggerIsTakenAway(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	SetLogger(func(level LogLevel, text string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, level.String()+" "+text)
	})
	native.Set_logger(logger.sink)
	say(LogWarning, "first")
	SetLogger(nil)
	say(LogError, "late")
	if len(lines) != 1 || lines[0] != "WARNING first" {
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
