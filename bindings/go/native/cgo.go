// Package native is what SWIG makes of the library. It is not for use: package quant is.
package native

// #cgo pkg-config: libquant
// #cgo CXXFLAGS: -std=c++17
import "C"

//go:generate ../generate.sh
