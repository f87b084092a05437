// What C# needs of ../swig: strings are byte[] with their length (the marshaller's own end at NUL), arrays are pointers to
// what the caller has pinned. The layer by hand (namespace LibQuant) has the only public classes.
%module(directors="1") NativeQuant

%{
#include "managed_blocks.h"
%}

%typemap(csclassmodifiers) SWIGTYPE "internal class"
%typemap(csclassmodifiers) SWIGTYPE *, SWIGTYPE & "internal class"
%typemap(csclassmodifiers) enum SWIGTYPE "internal enum"
%pragma(csharp) moduleclassmodifiers="internal class"
%pragma(csharp) imclassclassmodifiers="internal class"

%include "managed_strings.i"
%include "managed_numbers.i"

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

%rename(base_variant) quant_variant_info::base;

%include "quant.i"
