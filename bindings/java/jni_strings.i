// Strings as bytes: UTF-8, NUL included, and sequences that are no UTF-8 as they are.

%naturalvar std::string;
namespace std { class string; }

%typemap(jni) std::string, const std::string & "jbyteArray"
%typemap(jtype) std::string, const std::string & "byte[]"
%typemap(jstype) std::string, const std::string & "byte[]"
%typemap(javain) std::string, const std::string & "$javainput"
%typemap(javaout) std::string, const std::string & { return $jnicall; }
%typemap(in) std::string %{ $1 = quant_jni::string_of(jenv, $input); %}
%typemap(in) const std::string & (std::string given) %{
  given = quant_jni::string_of(jenv, $input);
  $1 = &given;
%}
%typemap(out) std::string %{ $result = quant_jni::bytes_of(jenv, $1.data(), $1.size()); %}
%typemap(out) const std::string & %{ $result = quant_jni::bytes_of(jenv, $1->data(), $1->size()); %}
%typemap(javadirectorin) const std::string & "$jniinput"
%typemap(directorin, descriptor="[B") const std::string & %{
  $input = quant_jni::bytes_of(jenv, $1.data(), $1.size());
  Swig::LocalRefGuard $1_guard(jenv, $input);
%}

// Text that a callback gets, with its length.
%typemap(jni) (const char *text, size_t text_bytes) "jbyteArray"
%typemap(jtype) (const char *text, size_t text_bytes) "byte[]"
%typemap(jstype) (const char *text, size_t text_bytes) "byte[]"
%typemap(javain) (const char *text, size_t text_bytes) "$javainput"
%typemap(in) (const char *text, size_t text_bytes) (std::string given) %{
  given = quant_jni::string_of(jenv, $input);
  $1 = const_cast<char *>(given.data());
  $2 = given.size();
%}
%typemap(javadirectorin) (const char *text, size_t text_bytes) "$jniinput"
%typemap(directorin, descriptor="[B") (const char *text, size_t text_bytes) %{
  $input = quant_jni::bytes_of(jenv, $1, $2);
  Swig::LocalRefGuard text_guard(jenv, $input);
%}

// Strings of results, which end at NUL.
%typemap(jni) const char * "jbyteArray"
%typemap(jtype) const char * "byte[]"
%typemap(jstype) const char * "String"
%typemap(javaout) const char * {
    byte[] utf8 = $jnicall;
    return utf8 == null ? null : new String(utf8, java.nio.charset.StandardCharsets.UTF_8);
  }
%typemap(out) const char * %{ if ($1) $result = quant_jni::bytes_of(jenv, $1, std::strlen($1)); %}
