// Quantize writes a model as a GGUF file of another type, and shows how far it is. Ctrl-C leaves nothing behind.
//
//	go run ./examples/quantize MODEL TYPE OUTPUT
//
// MODEL is a GGUF file or a Hugging Face folder, TYPE a type mix such as Q4_K_M.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"quant"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: quantize MODEL TYPE OUTPUT")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := quant.Quantize(ctx, os.Args[1], os.Args[3], quant.QuantizeOptions{
		Type: os.Args[2],
		Progress: func(p quant.Progress) error {
			fmt.Printf("\r%3.0f %%  %-50s", 100*float64(p.Done)/float64(p.Total), p.Stage)
			return nil
		},
	})
	fmt.Println()
	if err != nil {
		log.Fatal(err)
	}
}
