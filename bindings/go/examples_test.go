package quant

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheExamplesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("not with -short")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: there is no go here")
	}
	folder := t.TempDir()
	if output, err := exec.Command("go", "build", "-o", folder, "./examples/...").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	run := func(name string, args ...string) (string, error) {
		output, err := exec.Command(filepath.Join(folder, name), args...).CombinedOutput()
		return string(output), err
	}
	quantized := filepath.Join(folder, "out.gguf")
	if text, err := run("quantize", basePath(), "Q4_0", quantized); err != nil || !strings.Contains(text, "100 %") {
		t.Errorf("quantize: %v: %s", err, text)
	}
	if _, err := os.Stat(quantized); err != nil {
		t.Error(err)
	}
	if text, err := run("generate", quantized, "And it came to", "6"); err != nil || !strings.Contains(text, "\n6 tokens in ") {
		t.Errorf("generate: %v: %s", err, text)
	}
	if text, err := run("embed", quantized, "And God said", "seven years"); err != nil || !strings.HasPrefix(text, " 1.000  And God said\n") {
		t.Errorf("embed: %v: %s", err, text)
	}
	if text, err := run("generate", "/nowhere", "x"); err == nil || !strings.Contains(text, "/nowhere") {
		t.Errorf("a model that is not there: %v: %s", err, text)
	}
}
