// How Go sees what the SDKs share: arrays are slices of the caller's, results are slices of Go's own, and callbacks get
// pointers that they may read until they return. generate.sh makes native.go, go_wrap.cxx and go_wrap.h of it.
%module(directors="1") native

%include <std_string.i>

// `type` is a keyword of Go: those fields come as Xtype.
%warnfilter(314) quant_plan_summary::type;
%warnfilter(314) quant_quantize_options::type;
%warnfilter(314) quant_sdk::QuantizeOptions::type;

// Arrays of the caller, which cgo lets C read and write while the call lasts.
%define %borrowed(TYPE, NAME, SLICE)
%typemap(gotype) TYPE NAME "SLICE"
%typemap(in) TYPE NAME %{ $1 = ($1_ltype)$input.array; %}
%enddef
%borrowed(const float *, weights, []float32)
%borrowed(const float *, importance, []float32)
%borrowed(float *, out, []float32)
%borrowed(const uint8_t *, in, []byte)
%borrowed(uint8_t *, out, []byte)
%borrowed(const int32_t *, ids, []int32)

// Arrays that C++ returns: copied once more, into Go's memory.
%define %returned(TYPE, ELEMENT)
%typemap(gotype) std::vector<TYPE> "[]ELEMENT"
%typemap(out) std::vector<TYPE> %{
  $result.len = $result.cap = (&$1)->size();
  $result.array = malloc((&$1)->size() * sizeof(TYPE) + 1);
  if (!$result.array) _swig_gopanic("no memory for what the call has made");
  std::copy((&$1)->begin(), (&$1)->end(), static_cast<TYPE *>($result.array));
%}
%typemap(goout) std::vector<TYPE> %{
	$result = make([]ELEMENT, len($1))
	copy($result, $1)
	Swig_free(*(*uintptr)(unsafe.Pointer(&$1)))
%}
%enddef
%returned(int32_t, int32)
%returned(float, float32)

// Text that a callback may read until it returns.
%typemap(gotype) const char *text "*byte"
%typemap(in) const char *text %{ $1 = $input; %}
%typemap(freearg) const char *text ""
%typemap(directorin) const char *text %{ $input = const_cast<char *>($1); %}
%typemap(godirectorin) const char *text ""

%{
#include <algorithm>
%}

%include "quant.i"
