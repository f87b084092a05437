package quant

import (
	"encoding/json"

	"quant/native"
)

// Version is the library's, "MAJOR.MINOR.PATCH".
func Version() string { return native.Version() }

// DescribeMachine tells of the processor, memory nodes and instruction tier that the library found, as JSON. With
// `measured` it comes with the machine's limits, which takes half a second.
func DescribeMachine(measured bool) (json.RawMessage, error) {
	c := newCall(nil)
	text := native.Describe_machine(measured, c.outcome)
	if err := c.finish(); err != nil {
		return nil, err
	}
	return json.RawMessage(text), nil
}
