// Numbers, enumerations as int, and arrays: what comes is copied, since it is little; what goes is pinned by the caller.

%include <stdint.i>
%apply unsigned long long { size_t };

%typemap(ctype) enum SWIGTYPE "int"
%typemap(imtype) enum SWIGTYPE "int"
%typemap(cstype) enum SWIGTYPE "int"
%typemap(csin) enum SWIGTYPE "$csinput"
%typemap(in) enum SWIGTYPE %{ $1 = ($1_ltype)$input; %}
%typemap(out) enum SWIGTYPE %{ $result = (int)$1; %}
%typemap(csout, excode=SWIGEXCODE) enum SWIGTYPE {
    int ret = $imcall;$excode
    return ret;
  }
%typemap(csvarout) enum SWIGTYPE %{
    get {
      return $imcall;
    } %}

%define %copied_array(type, element, take)
%typemap(ctype) type "void *"
%typemap(imtype) type "global::System.IntPtr"
%typemap(cstype) type "element[]"
%typemap(out) type %{ $result = quant_managed::block_of($1.data(), $1.size() * sizeof(element)); %}
%typemap(csout, excode=SWIGEXCODE) type {
    element[] ret = global::LibQuant.Block.take($imcall);$excode
    return ret;
  }
%enddef
%copied_array(std::vector<int32_t>, int, TakeInts)
%copied_array(std::vector<float>, float, TakeFloats)

%define %pinned(type)
%typemap(ctype) type "const void *"
%typemap(imtype) type "global::System.IntPtr"
%typemap(cstype) type "global::System.IntPtr"
%typemap(csin) type "$csinput"
%typemap(in) type %{ $1 = ($1_ltype)$input; %}
%enddef
%pinned(const int32_t *ids)
%pinned(const float *weights)
%pinned(const float *importance)
%pinned(float *out)
%pinned(uint8_t *out)
%pinned(const uint8_t *in)
