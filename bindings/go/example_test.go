package quant_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"quant"
)

// model is the small one that comes with the library.
func model() *quant.Model {
	share := os.Getenv("QUANT_SHARE")
	if share == "" {
		share = filepath.Join("..", "..", "share")
	}
	model, err := quant.Open(filepath.Join(share, "models", "kjv-5m"))
	if err != nil {
		log.Fatal(err)
	}
	return model
}

func Example() {
	model := model() // quant.Open("my-model.gguf")
	defer model.Close()
	session, err := model.NewSession(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	_, err = session.Generate(context.Background(), os.Stdout, quant.GenerateOptions{
		Prompt: "And it came to", MaxTokens: 3, Sampling: quant.Greedy(),
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: pass, when
}

func ExampleSession_Stream() {
	model := model()
	defer model.Close()
	session, err := model.NewSession(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	stream := session.Stream(context.Background(), quant.GenerateOptions{
		Prompt: "And it came to", Sampling: quant.Greedy(),
	})
	defer stream.Close()
	for i := 0; i < 2 && stream.Next(); i++ {
		fmt.Printf("%q\n", stream.Text())
	}
	// Output:
	// " pass"
	// ","
}

func ExampleEncode() {
	weights := []float32{0.5, -1, 0.25, 0, 1, -0.5, 0.75, -0.25, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	blocks, err := quant.Encode(context.Background(), quant.Q8_0, weights, 32, nil)
	if err != nil {
		log.Fatal(err)
	}
	back, err := quant.Decode(quant.Q8_0, blocks, 1, 32)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes, %.2f\n", len(blocks), back[:4])
	// Output: 34 bytes, [0.50 -1.00 0.25 0.00]
}

func ExampleError() {
	_, err := quant.OpenTokenizer("/no/such/file")
	var failure *quant.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Status.String(), errors.Is(err, quant.ErrNotFound), errors.Is(err, os.ErrNotExist))
	}
	// Output: NOT_FOUND true true
}

func ExampleModel_NewScheduler() {
	model := model()
	defer model.Close()
	scheduler, err := model.NewScheduler(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer scheduler.Close()
	var jobs []*quant.Job
	for _, prompt := range []string{"In the beginning God created the", "And God said, Let there be"} {
		job, err := scheduler.Submit(context.Background(), quant.Request{Prompt: prompt, MaxTokens: 3, Sampling: quant.Greedy()})
		if err != nil {
			log.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	for _, job := range jobs {
		result, err := job.Wait()
		fmt.Println(result.GeneratedTokens, result.Stop, err)
	}
	// Output:
	// 3 LENGTH <nil>
	// 3 LENGTH <nil>
}
