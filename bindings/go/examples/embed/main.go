// Embed tells how much alike texts are: the cosine of each with the first.
//
//	go run ./examples/embed MODEL TEXT TEXT...
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"quant"
)

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: embed MODEL TEXT TEXT...")
	}
	model, err := quant.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	all, err := model.Embed(context.Background(), os.Args[2:], nil)
	if err != nil {
		log.Fatal(err)
	}
	for i, one := range all {
		cosine := float32(0)
		for j, value := range one.Values {
			cosine += value * all[0].Values[j]
		}
		fmt.Printf("%6.3f  %s\n", cosine, os.Args[2+i])
	}
}
