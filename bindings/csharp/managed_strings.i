// Strings as bytes: UTF-8, NUL included, and sequences that are no UTF-8 as they are. To native code they go as a block
// that begins with its length; from there they come as such a block, which the managed side releases.

%naturalvar std::string;
namespace std { class string; }

%typemap(ctype, out="void *") std::string, const std::string & "const char *"
%typemap(imtype, out="global::System.IntPtr") std::string, const std::string & "byte[]"
%typemap(cstype) std::string, const std::string & "byte[]"
%typemap(csin) std::string, const std::string & "global::LibQuant.Block.Of($csinput)"
%typemap(in) std::string %{ $1 = quant_managed::string_of($input); %}
%typemap(in) const std::string & (std::string given) %{
  given = quant_managed::string_of($input);
  $1 = &given;
%}
%typemap(out) std::string %{ $result = quant_managed::block_of($1.data(), $1.size()); %}
%typemap(out) const std::string & %{ $result = quant_managed::block_of($1->data(), $1->size()); %}
%typemap(csout, excode=SWIGEXCODE) std::string, const std::string & {
    byte[] ret = global::LibQuant.Block.TakeBytes($imcall);$excode
    return ret;
  }
%typemap(csvarin) std::string, const std::string & %{
    set {
      $imcall;
    } %}
%typemap(csvarout) std::string, const std::string & %{
    get {
      return global::LibQuant.Block.TakeBytes($imcall);
    } %}

// What callbacks get: the string itself, for the time of the call. By the same names it goes to native code, pinned.
%typemap(ctype) const std::string &stage, const std::string &detail, const std::string &message, const std::string &text
  "const void *"
%typemap(imtype) const std::string &stage, const std::string &detail, const std::string &message, const std::string &text
  "global::System.IntPtr"
%typemap(csin, pre="    using (var swig_$csinput = new global::LibQuant.Pinned($csinput)) {", terminator="    }")
  const std::string &stage, const std::string &detail, const std::string &message, const std::string &text
  "swig_$csinput.Pointer"
%typemap(csdirectorin)
  const std::string &stage, const std::string &detail, const std::string &message, const std::string &text
  "global::LibQuant.Block.Lent($iminput)"
%typemap(directorin)
  const std::string &stage, const std::string &detail, const std::string &message, const std::string &text
  %{
  quant_managed::admit_signals();
  $input = &$1;
%}
%typemap(in) const std::string &stage (std::string given), const std::string &detail (std::string given),
  const std::string &message (std::string given), const std::string &text (std::string given) %{
  given = quant_managed::string_of($input);
  $1 = &given;
%}

// Text that a callback gets, with its length beside it.
%typemap(ctype) const char *text "const void *"
%typemap(imtype) const char *text "global::System.IntPtr"
%typemap(cstype) const char *text "global::System.IntPtr"
%typemap(csin) const char *text "$csinput"
%typemap(csdirectorin) const char *text "$iminput"
%typemap(in) const char *text %{ $1 = ($1_ltype)$input; %}
%typemap(directorin) const char *text %{
  quant_managed::admit_signals();
  $input = $1;
%}

// Strings of results, which end at NUL.
%typemap(ctype, out="void *") const char * "const char *"
%typemap(imtype, out="global::System.IntPtr") const char * "string"
%typemap(out) const char * %{ $result = $1 ? quant_managed::block_of($1, std::strlen($1)) : nullptr; %}
%typemap(csout, excode=SWIGEXCODE) const char * {
    string ret = global::LibQuant.Block.TakeString($imcall);$excode
    return ret;
  }
%typemap(csvarout) const char * %{
    get {
      return global::LibQuant.Block.TakeString($imcall);
    } %}
