package quant

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is committed in native/ is what generate.sh makes of the sources beside it.
func TestGeneratedFilesAreThoseOfTheirSources(t *testing.T) {
	if _, err := os.Stat("../swig/quant.i"); err != nil {
		t.Skip("skipped: the sources are in the project's tree only")
	}
	version, err := exec.Command("swig", "-version").Output()
	if err != nil {
		t.Skip("skipped: there is no swig here")
	}
	committed, err := os.ReadFile("native/native.go")
	must(t, err)
	if made := swigVersion(string(committed)); !strings.Contains(string(version), "SWIG Version "+made) {
		t.Skipf("skipped: the files are of SWIG %s, which is not the one here", made)
	}
	folder := t.TempDir()
	if output, err := exec.Command("./generate.sh", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, name := range []string{"native.go", "go_wrap.cxx", "go_wrap.h"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		must(t, err)
		have, err := os.ReadFile(filepath.Join("native", name))
		must(t, err)
		if !bytes.Equal(want, have) {
			t.Errorf("native/%s is not what generate.sh makes now: run it", name)
		}
	}
}

func swigVersion(text string) string {
	_, rest, _ := strings.Cut(text, "\n * Version ")
	version, _, _ := strings.Cut(rest, "\n")
	return version
}
