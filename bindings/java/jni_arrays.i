// Tokens and logits are copied, since they are few; weights and codes are the memory of direct buffers.

%typemap(jni) std::vector<int32_t> "jintArray"
%typemap(jtype) std::vector<int32_t> "int[]"
%typemap(jstype) std::vector<int32_t> "int[]"
%typemap(javaout) std::vector<int32_t> { return $jnicall; }
%typemap(out) std::vector<int32_t> %{ $result = quant_jni::ints_of(jenv, $1); %}

%typemap(jni) std::vector<float> "jfloatArray"
%typemap(jtype) std::vector<float> "float[]"
%typemap(jstype) std::vector<float> "float[]"
%typemap(javaout) std::vector<float> { return $jnicall; }
%typemap(out) std::vector<float> %{ $result = quant_jni::floats_of(jenv, $1); %}

%typemap(jni) (const int32_t *ids, size_t count) "jintArray"
%typemap(jtype) (const int32_t *ids, size_t count) "int[]"
%typemap(jstype) (const int32_t *ids, size_t count) "int[]"
%typemap(javain) (const int32_t *ids, size_t count) "$javainput"
%typemap(in) (const int32_t *ids, size_t count) (std::vector<int32_t> given) %{
  given = quant_jni::ids_of(jenv, $input);
  $1 = given.data();
  $2 = given.size();
%}

// NULL where there is no buffer. Its position is not looked at: the layer by hand gives slices.
%define %direct(type, buffer)
%typemap(jni) type "jobject"
%typemap(jtype) type "buffer"
%typemap(jstype) type "buffer"
%typemap(javain) type "$javainput"
%typemap(in) type %{ $1 = $input ? ($1_ltype)jenv->GetDirectBufferAddress($input) : nullptr; %}
%enddef
%direct(const float *weights, java.nio.FloatBuffer)
%direct(const float *importance, java.nio.FloatBuffer)
%direct(float *out, java.nio.FloatBuffer)
%direct(uint8_t *out, java.nio.ByteBuffer)
%direct(const uint8_t *in, java.nio.ByteBuffer)
