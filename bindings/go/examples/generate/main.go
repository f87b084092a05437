// Generate continues a prompt, and prints text as it is made. Ctrl-C ends it.
//
//	go run ./examples/generate MODEL PROMPT [TOKENS]
//
// MODEL is a GGUF file, a Hugging Face folder, or a name that quantctl list shows.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"

	"quant"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: generate MODEL PROMPT [TOKENS]")
	}
	how := quant.GenerateOptions{Prompt: os.Args[2], MaxTokens: 100}
	if len(os.Args) > 3 {
		how.MaxTokens, _ = strconv.Atoi(os.Args[3])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := generate(ctx, os.Args[1], how); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func generate(ctx context.Context, name string, how quant.GenerateOptions) error {
	model, err := quant.Open(name)
	if err != nil {
		return err
	}
	defer model.Close()
	session, err := model.NewSession(nil)
	if err != nil {
		return err
	}
	defer session.Close()
	fmt.Print(how.Prompt)
	result, err := session.Generate(ctx, os.Stdout, how)
	fmt.Printf("\n%d tokens in %v\n", result.GeneratedTokens, result.DecodeTime)
	return err
}
