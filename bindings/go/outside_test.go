package quant

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The README's first program, as somebody outside would build it.
func TestTheFirstProgramOfTheReadmeRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("not with -short")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: there is no go here")
	}
	readme, err := os.ReadFile("README.md")
	must(t, err)
	_, program, found := strings.Cut(string(readme), "```go\n")
	program, _, closed := strings.Cut(program, "```")
	if !found || !closed || !strings.Contains(program, `"my-model.gguf"`) {
		t.Fatal("the README has no program")
	}
	if lines := strings.Count(program, "\n"); lines >= 15 {
		t.Errorf("it has %d lines", lines)
	}
	here, err := os.Getwd()
	must(t, err)
	folder := t.TempDir()
	program = strings.Replace(program, "my-model.gguf", q8Path(t), 1)
	program = strings.Replace(program, "GenerateOptions{", "GenerateOptions{MaxTokens: 8, ", 1)
	must(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte(program), 0o600))
	must(t, os.WriteFile(filepath.Join(folder, "go.mod"), []byte("module first\n\ngo 1.19\n"), 0o600))
	run := func(args ...string) string {
		command := exec.Command("go", args...)
		command.Dir = folder
		command.Env = append(os.Environ(), "GOFLAGS=")
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v: %s", args, err, output)
		}
		return string(output)
	}
	run("mod", "edit", "-require", "quant@v0.0.0", "-replace", "quant="+here)
	if text := run("run", "."); strings.TrimSpace(text) == "" {
		t.Error("it has written nothing")
	}
}
