// What Java needs of ../swig: strings are byte[] here (JNI's own are modified UTF-8 and end at NUL), vectors are arrays,
// and weights and codes are the memory of direct buffers. The layer by hand (dev.libquant) knows nothing of JNI.
%module(directors="1") NativeQuant

%begin %{
// Threads of the library stay attached until they end, for attaching costs more than a callback; they are daemons, so
// that they do not keep the virtual machine from ending.
#define SWIG_JAVA_DETACH_ON_THREAD_END
#define SWIG_JAVA_ATTACH_CURRENT_THREAD_AS_DAEMON
%}

%{
#include "jni_arrays.h"
%}

%include "enumtypeunsafe.swg"
%include "jni_strings.i"
%include "jni_arrays.i"

// Numbers of 64 bits are long, and sizes over its largest value do not occur.
%include <stdint.i>
%apply long long { unsigned long long, uint64_t };
%apply const long long & { const unsigned long long &, const uint64_t & };

// What is made for a call is deleted by it (try-with-resources); there are no finalizers.
%typemap(javafinalize) SWIGTYPE ""
%typemap(javainterfaces) SWIGTYPE "AutoCloseable"
%typemap(javacode) SWIGTYPE %{
  @Override
  public void close() {
    delete();
  }
%}

// Whoever touches a native function first, has the library loaded.
%pragma(java) jniclasscode=%{
  static {
    NativeLoader.load();
  }
%}

// A sink never throws. What may come all the same, such as a stack overflow in the way there, ends here.
%feature("director:except") %{
  if (jenv->ExceptionCheck()) jenv->ExceptionClear();
%}

// The names without a prefix are those of the layer by hand.
%rename(NativeCatalog) quant_sdk::Catalog;
%rename(NativeEmbeddings) quant_sdk::Embeddings;
%rename(NativeGenerateOptions) quant_sdk::GenerateOptions;
%rename(NativeModel) quant_sdk::Model;
%rename(NativePlan) quant_sdk::Plan;
%rename(NativeQuantizeOptions) quant_sdk::QuantizeOptions;
%rename(NativeRenderOptions) quant_sdk::RenderOptions;
%rename(NativeRequest) quant_sdk::Request;
%rename(NativeScheduler) quant_sdk::Scheduler;
%rename(NativeSession) quant_sdk::Session;
%rename(NativeTokenizer) quant_sdk::Tokenizer;

%include "quant.i"
