package quant

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// startDaemon serves the catalog of the tests at a socket of its own, with the program that QUANTD names.
func startDaemon(t *testing.T) (socket string) {
	t.Helper()
	program := os.Getenv("QUANTD")
	if program == "" {
		t.Skip("skipped: QUANTD does not name a daemon program")
	}
	socket = filepath.Join(t.TempDir(), "quantd.sock")
	daemon := exec.Command(program, "--socket", socket, "--tcp", "")
	daemon.Env = append(os.Environ(), "QUANT_HOME="+os.Getenv("QUANT_HOME"))
	daemon.Stderr = os.Stderr
	must(t, daemon.Start())
	t.Cleanup(func() {
		daemon.Process.Signal(os.Interrupt)
		daemon.Wait()
	})
	for tries := 0; ; tries++ {
		if _, err := os.Stat(socket); err == nil {
			return socket
		}
		if tries == 200 {
			t.Fatal("the daemon does not come up")
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// importOnce makes a file known in the tests' catalog; what comes is its name, another where it has one already.
func importOnce(t *testing.T, path, name string) string {
	t.Helper()
	catalog, err := OpenCatalog("")
	must(t, err)
	defer catalog.Close()
	name, err = catalog.Import(context.Background(), path, name, nil)
	must(t, err)
	return name
}

func TestAModelOfTheDaemonGeneratesTheSame(t *testing.T) {
	name := importOnce(t, q8Path(t), "tested:q8")
	socket := startDaemon(t)
	model, err := OpenShared(context.Background(), name, &SharedOptions{Socket: socket, Verify: true, Timeout: time.Minute})
	must(t, err)
	defer model.Close()
	var shared, own bytes.Buffer
	_, err = newTestSession(t, model).Generate(context.Background(), &shared, greedy("And it came to", 20))
	must(t, err)
	_, err = newTestSession(t, openQ8(t)).Generate(context.Background(), &own, greedy("And it came to", 20))
	must(t, err)
	if shared.String() != own.String() || shared.Len() == 0 {
		t.Errorf("%q and %q", shared.String(), own.String())
	}
	_, err = OpenShared(context.Background(), "nothing-like-it", &SharedOptions{Socket: socket})
	wantError(t, err, ErrNotFound)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err = OpenShared(ended, name, &SharedOptions{Socket: socket}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}
