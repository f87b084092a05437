"""Structs, numbers and signatures of the C library. Made from include/quant/ by make_native.py: do not edit."""
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_size_t, c_uint32,
                    c_uint64, c_void_p)


class Struct(Structure):
    """A struct that refuses numbers which their field cannot hold, where ctypes would cut them."""

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        kept = getattr(self, name)
        if isinstance(kept, int) and hasattr(value, '__index__') and kept != value:
            raise ValueError('%s: %d does not fit into the %d bits of that number' % (name, value, 8 * getattr(type(self), name).size))


# quant_encoding
QUANT_F32 = 0
QUANT_F16 = 1
QUANT_Q4_0 = 2
QUANT_Q4_1 = 3
QUANT_Q5_0 = 6
QUANT_Q5_1 = 7
QUANT_Q8_0 = 8
QUANT_Q2_K = 10
QUANT_Q3_K = 11
QUANT_Q4_K = 12
QUANT_Q5_K = 13
QUANT_Q6_K = 14
QUANT_IQ2_XXS = 16
QUANT_IQ2_XS = 17
QUANT_IQ3_XXS = 18
QUANT_IQ1_S = 19
QUANT_IQ4_NL = 20
QUANT_IQ3_S = 21
QUANT_IQ2_S = 22
QUANT_IQ4_XS = 23
QUANT_IQ1_M = 29
QUANT_BF16 = 30
QUANT_TQ1_0 = 34
QUANT_TQ2_0 = 35
QUANT_MXFP4 = 39
QUANT_NVFP4 = 40
QUANT_Q1_0 = 41
QUANT_Q2_0 = 42
QUANT_INT2_G32 = 256
QUANT_INT2_G64 = 257
QUANT_INT2_G128 = 258
QUANT_INT3_G32 = 259
QUANT_INT3_G64 = 260
QUANT_INT3_G128 = 261
QUANT_INT4_G32 = 262
QUANT_INT4_G64 = 263
QUANT_INT4_G128 = 264
QUANT_INT8_G32 = 265
QUANT_INT8_G64 = 266
QUANT_INT8_G128 = 267
QUANT_AFFINE2_G32 = 268
QUANT_AFFINE2_G64 = 269
QUANT_AFFINE2_G128 = 270
QUANT_AFFINE3_G32 = 271
QUANT_AFFINE3_G64 = 272
QUANT_AFFINE3_G128 = 273
QUANT_AFFINE4_G32 = 274
QUANT_AFFINE4_G64 = 275
QUANT_AFFINE4_G128 = 276
QUANT_AFFINE5_G32 = 277
QUANT_AFFINE5_G64 = 278
QUANT_AFFINE5_G128 = 279
QUANT_AFFINE6_G32 = 280
QUANT_AFFINE6_G64 = 281
QUANT_AFFINE6_G128 = 282
QUANT_AFFINE8_G32 = 283
QUANT_AFFINE8_G64 = 284
QUANT_AFFINE8_G128 = 285
QUANT_NF4_G32 = 320
QUANT_NF4_G64 = 321
QUANT_FP4_G32 = 322
QUANT_FP4_G64 = 323
QUANT_ABSMAX8_G32 = 324
QUANT_ABSMAX8_G128 = 325
QUANT_E4M3_G32 = 326
QUANT_E4M3_G128 = 327
QUANT_E5M2_G32 = 328
QUANT_E5M2_G128 = 329
QUANT_TQ2_G32 = 330
QUANT_TQ2_G128 = 331
QUANT_NVFP4_G32 = 332
QUANT_NVFP4_G64 = 333
QUANT_NVFP4_G256 = 334

# quant_method
QUANT_METHOD_DEFAULT = 0
QUANT_METHOD_ROUND = 1
QUANT_METHOD_SEARCH = 2
QUANT_METHOD_IMPORTANCE = 3
QUANT_METHOD_FEEDBACK = 4
QUANT_METHOD_BEST = 5

# quant_verdict
QUANT_VERDICT_UNDECIDED = 0
QUANT_VERDICT_MODEL = 1
QUANT_VERDICT_AGAINST = 2

# quant_activations
QUANT_ACTIVATIONS_F32 = 0
QUANT_ACTIVATIONS_INT8 = 1

# quant_pooling
QUANT_POOLING_DEFAULT = 0
QUANT_POOLING_NONE = 1
QUANT_POOLING_MEAN = 2
QUANT_POOLING_LAST = 3
QUANT_POOLING_CLS = 4

# quant_importance_format
QUANT_IMPORTANCE_GGUF = 0
QUANT_IMPORTANCE_LEGACY = 1
QUANT_IMPORTANCE_MOMENTS = 2

# quant_reply_kind
QUANT_REPLY_CONTENT = 0
QUANT_REPLY_REASONING = 1
QUANT_REPLY_CALL_BEGIN = 2
QUANT_REPLY_CALL_ARGUMENTS = 3
QUANT_REPLY_CALL_END = 4

# quant_stop
QUANT_STOP_END = 0
QUANT_STOP_LENGTH = 1
QUANT_STOP_CONTEXT = 2
QUANT_STOP_CALLER = 3
QUANT_STOP_TEXT = 4

# quant_lent_kind
QUANT_LENT_FILE = 0
QUANT_LENT_PACK = 1

# quant_status
QUANT_OK = 0
QUANT_ERR_ARGUMENT = 1
QUANT_ERR_NOT_FOUND = 2
QUANT_ERR_IO = 3
QUANT_ERR_FORMAT = 4
QUANT_ERR_TRUNCATED = 5
QUANT_ERR_LIMIT = 6
QUANT_ERR_UNSUPPORTED = 7
QUANT_ERR_MODEL = 8
QUANT_ERR_TOKENIZER = 9
QUANT_ERR_TEMPLATE = 10
QUANT_ERR_NO_SPACE = 11
QUANT_ERR_NO_MEMORY = 12
QUANT_ERR_PERMISSION = 13
QUANT_ERR_CANCELLED = 14
QUANT_ERR_EXISTS = 15
QUANT_ERR_BUSY = 16
QUANT_ERR_CATALOG = 17
QUANT_ERR_VERIFY = 18
QUANT_ERR_INTERNAL = 19
QUANT_ERR_UNAVAILABLE = 20

# quant_log_level
QUANT_LOG_DEBUG = 0
QUANT_LOG_INFO = 1
QUANT_LOG_WARNING = 2
QUANT_LOG_ERROR = 3

# flags
QUANT_REMOVE_KEEP_FILE = 1
QUANT_OPEN_PREFAULT = 1
QUANT_OPEN_LENDABLE = 2
QUANT_SHARED_VERIFY = 1
QUANT_TEXT_ADD_SPECIAL = 1
QUANT_TEXT_PARSE_SPECIAL = 2
QUANT_TEXT_SKIP_SPECIAL = 4


class quant_adapter_info(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('path', c_char_p),
        ('is_gguf', c_int32),
        ('rank', c_uint32),
        ('matrices', c_uint64),
        ('parameters', c_uint64),
    ]


class quant_adapter_use(Struct):
    _fields_ = [
        ('adapter', c_void_p),
        ('scale', c_float),
    ]


class quant_variant_info(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('name', c_char_p),
        ('model', c_char_p),
        ('variant', c_char_p),
        ('architecture', c_char_p),
        ('base', c_char_p),
        ('path', c_char_p),
        ('file_missing', c_int32),
        ('parameters', c_uint64),
        ('bytes', c_uint64),
        ('bits_per_weight', c_double),
        ('ppl', c_double),
        ('ppl_se', c_double),
        ('kld_mean', c_double),
        ('kld_se', c_double),
        ('top1', c_double),
        ('decode_per_second', c_double),
        ('prefill_per_second', c_double),
    ]


class quant_tensor_info(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('name', c_char_p),
        ('type_name', c_char_p),
        ('encoding', c_int32),
        ('dims', c_uint32),
        ('shape', c_uint64 * 8),
        ('elements', c_uint64),
        ('bytes', c_uint64),
        ('offset', c_uint64),
        ('file_index', c_uint32),
    ]


class quant_embedding_input(Struct):
    _fields_ = [
        ('text', c_char_p),
        ('text_bytes', c_size_t),
        ('tokens', c_void_p),
        ('token_count', c_size_t),
    ]


class quant_progress(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('stage', c_char_p),
        ('done', c_uint64),
        ('total', c_uint64),
        ('seconds', c_double),
        ('detail', c_char_p),
    ]


quant_progress_fn = CFUNCTYPE(c_int, c_void_p, POINTER(quant_progress))


class quant_embedding_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('pooling', c_int),
        ('normalize', c_int32),
        ('dimensions', c_uint32),
        ('text_flags', c_uint32),
        ('truncate', c_int32),
        ('activations', c_int),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
    ]


class quant_embedding(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('values', c_void_p),
        ('rows', c_uint32),
        ('dimensions', c_uint32),
        ('tokens', c_uint32),
        ('tokens_cut', c_uint32),
    ]


class quant_encoding_info(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('id', c_int),
        ('name', c_char_p),
        ('family', c_char_p),
        ('summary', c_char_p),
        ('block_weights', c_uint32),
        ('block_bytes', c_uint32),
        ('bits_per_weight', c_double),
    ]


class quant_encode_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('method', c_int),
        ('importance', c_void_p),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
    ]


class quant_eval_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('text', c_char_p),
        ('text_bytes', c_size_t),
        ('context_length', c_uint32),
        ('chunks', c_uint32),
        ('activations', c_int),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
        ('base_logits', c_char_p),
        ('save_logits', c_char_p),
        ('key_type', c_int),
        ('value_type', c_int),
        ('adapters', POINTER(quant_adapter_use)),
        ('adapter_count', c_size_t),
    ]


class quant_eval_result(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('context_length', c_uint32),
        ('chunks', c_uint32),
        ('tokens', c_uint64),
        ('activations', c_int),
        ('ppl', c_double),
        ('ppl_se', c_double),
        ('base_ppl', c_double),
        ('base_ppl_se', c_double),
        ('ln_ratio', c_double),
        ('ln_ratio_se', c_double),
        ('kld_mean', c_double),
        ('kld_se', c_double),
        ('kld_median', c_double),
        ('kld_p99', c_double),
        ('kld_p999', c_double),
        ('kld_max', c_double),
        ('top1', c_double),
        ('top1_se', c_double),
        ('dp_mean', c_double),
        ('dp_rms', c_double),
        ('seconds', c_double),
        ('text_sha256', c_char * 65),
        ('dp_mean_se', c_double),
        ('dp_rms_se', c_double),
        ('kld_median_se', c_double),
        ('kld_p99_se', c_double),
        ('kld_p999_se', c_double),
    ]


class quant_comparison(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('chunks', c_uint32),
        ('verdict', c_int),
        ('tokens', c_uint64),
        ('ln_ratio', c_double),
        ('ln_ratio_se', c_double),
        ('ln_ratio_chunk_se', c_double),
        ('kld_difference', c_double),
        ('kld_difference_se', c_double),
        ('kld_difference_chunk_se', c_double),
        ('kld_ratio', c_double),
        ('kld_ratio_se', c_double),
        ('closer', c_double),
        ('farther', c_double),
    ]


class quant_task_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('text', c_char_p),
        ('text_bytes', c_size_t),
        ('name', c_char_p),
        ('activations', c_int),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
    ]


class quant_task_result(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('tasks', c_uint64),
        ('activations', c_int),
        ('accuracy', c_double),
        ('accuracy_se', c_double),
        ('accuracy_norm', c_double),
        ('accuracy_norm_se', c_double),
        ('base_accuracy', c_double),
        ('base_accuracy_se', c_double),
        ('base_accuracy_norm', c_double),
        ('base_accuracy_norm_se', c_double),
        ('agreement', c_double),
        ('agreement_se', c_double),
        ('agreement_norm', c_double),
        ('agreement_norm_se', c_double),
        ('seconds', c_double),
        ('text_sha256', c_char * 65),
    ]


class quant_bench_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('prompt_tokens', c_uint32),
        ('decode_tokens', c_uint32),
        ('rounds', c_uint32),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
        ('sequences', c_uint32),
        ('key_type', c_int),
        ('value_type', c_int),
    ]


class quant_bench_result(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('threads', c_uint32),
        ('prefill_per_second', c_double),
        ('prefill_low', c_double),
        ('prefill_high', c_double),
        ('decode_per_second', c_double),
        ('decode_low', c_double),
        ('decode_high', c_double),
        ('tier', c_char * 16),
        ('decode_bytes_per_token', c_double),
        ('products_per_token', c_double),
        ('prompt_tokens', c_uint32),
        ('decode_tokens', c_uint32),
    ]


class quant_open_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('flags', c_uint32),
        ('numa', c_char_p),
        ('pack_cache', c_char_p),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
    ]


class quant_model_info(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('name', c_char_p),
        ('architecture', c_char_p),
        ('type_name', c_char_p),
        ('parameters', c_uint64),
        ('file_bytes', c_uint64),
        ('bits_per_weight', c_double),
        ('context_length', c_uint32),
        ('vocabulary_size', c_uint32),
        ('embedding_length', c_uint32),
        ('layers', c_uint32),
        ('heads', c_uint32),
        ('kv_heads', c_uint32),
        ('has_chat_template', c_int32),
        ('kv_bytes_per_token', c_uint64),
        ('generates', c_int32),
        ('pooling', c_int),
        ('embedding_context_length', c_uint32),
    ]


class quant_type_info(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('name', c_char_p),
        ('summary', c_char_p),
        ('encoding', c_int),
        ('bits_per_weight', c_double),
    ]


class quant_checkpoint_type(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('name', c_char_p),
        ('form', c_char_p),
        ('summary', c_char_p),
    ]


class quant_override(Struct):
    _fields_ = [
        ('pattern', c_char_p),
        ('encoding', c_char_p),
    ]


class quant_merge(Struct):
    _fields_ = [
        ('path', c_char_p),
        ('scale', c_float),
    ]


class quant_quantize_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('type', c_char_p),
        ('plan_json', c_char_p),
        ('method', c_int),
        ('overrides', POINTER(quant_override)),
        ('override_count', c_size_t),
        ('importance_path', c_char_p),
        ('calibration_text', c_char_p),
        ('calibration_bytes', c_size_t),
        ('calibration_tokens', c_uint64),
        ('moments_path', c_char_p),
        ('adapters', POINTER(quant_merge)),
        ('adapter_count', c_size_t),
        ('keep_floats', c_int32),
        ('exact', c_int32),
    ]


class quant_plan_tensor(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('name', c_char_p),
        ('source_name', c_char_p),
        ('source_type', c_char_p),
        ('dims', c_uint32),
        ('shape', c_uint64 * 4),
        ('encoding', c_int),
        ('fallback', c_int32),
        ('method', c_int),
        ('bytes', c_uint64),
        ('rmse', c_double),
        ('relative', c_double),
        ('relaid', c_int32),
    ]


class quant_plan_summary(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('type', c_char_p),
        ('tensors', c_size_t),
        ('parameters', c_uint64),
        ('source_bytes', c_uint64),
        ('output_bytes', c_uint64),
        ('bits_per_weight', c_double),
        ('fallbacks', c_uint32),
        ('requantizes', c_int32),
        ('predicted_kld', c_double),
        ('relaid', c_uint32),
        ('makes_folder', c_int32),
    ]


class quant_target(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('file_bytes', c_uint64),
        ('bits_per_weight', c_double),
        ('max_kld', c_double),
        ('method', c_int),
        ('text', c_char_p),
        ('text_bytes', c_size_t),
        ('tokens', c_uint64),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
    ]


class quant_importance_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('text', c_char_p),
        ('text_bytes', c_size_t),
        ('text_name', c_char_p),
        ('context_length', c_uint32),
        ('tokens', c_uint64),
        ('format', c_int),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
    ]


class quant_reply_event(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('kind', c_int),
        ('index', c_uint32),
        ('text', c_char_p),
        ('text_bytes', c_size_t),
        ('name', c_char_p),
        ('id', c_char_p),
    ]


class quant_reasoning_info(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('can_switch', c_int32),
        ('has_levels', c_int32),
        ('always', c_int32),
    ]


class quant_scheduler_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('context_length', c_uint32),
        ('sequences', c_uint32),
        ('queue', c_uint32),
        ('queue_per_client', c_uint32),
        ('cached_tokens', c_uint64),
        ('key_type', c_int),
        ('value_type', c_int),
    ]


class quant_token_probability(Struct):
    _fields_ = [
        ('token', c_int32),
        ('log_probability', c_double),
        ('piece', c_char_p),
        ('piece_bytes', c_size_t),
    ]


class quant_generate_result(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('stop', c_int),
        ('prompt_tokens', c_uint32),
        ('cached_tokens', c_uint32),
        ('generated_tokens', c_uint32),
        ('prefill_seconds', c_double),
        ('decode_seconds', c_double),
        ('seed', c_uint64),
        ('drafted_tokens', c_uint32),
        ('accepted_tokens', c_uint32),
    ]


class quant_request_event(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('text', c_char_p),
        ('text_bytes', c_size_t),
        ('ended', c_int32),
        ('status', c_int),
        ('message', c_char_p),
        ('queue_seconds', c_double),
        ('token', c_int32),
        ('probabilities', POINTER(quant_token_probability)),
        ('probability_count', c_size_t),
        ('result', POINTER(quant_generate_result)),
    ]


class quant_logit_bias(Struct):
    _fields_ = [
        ('token', c_int32),
        ('bias', c_float),
    ]


class quant_sampling(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('temperature', c_float),
        ('top_k', c_uint32),
        ('top_p', c_float),
        ('min_p', c_float),
        ('repeat_penalty', c_float),
        ('repeat_last_n', c_uint32),
        ('seed', c_uint64),
        ('typical_p', c_float),
        ('presence_penalty', c_float),
        ('frequency_penalty', c_float),
        ('penalize_prompt', c_int32),
        ('mirostat', c_uint32),
        ('mirostat_tau', c_float),
        ('mirostat_eta', c_float),
        ('logit_bias', POINTER(quant_logit_bias)),
        ('logit_bias_count', c_size_t),
    ]


quant_request_fn = CFUNCTYPE(None, c_void_p, POINTER(quant_request_event))


class quant_request(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('prompt', c_char_p),
        ('prompt_bytes', c_size_t),
        ('text_flags', c_uint32),
        ('tokens', c_void_p),
        ('token_count', c_size_t),
        ('max_tokens', c_uint32),
        ('control_text', c_int32),
        ('ignore_end', c_int32),
        ('sampling', POINTER(quant_sampling)),
        ('stops', POINTER(c_char_p)),
        ('stop_count', c_size_t),
        ('grammar', c_char_p),
        ('json_schema', c_char_p),
        ('json_object', c_int32),
        ('probabilities', c_int32),
        ('top_probabilities', c_uint32),
        ('client', c_uint64),
        ('on_event', quant_request_fn),
        ('user', c_void_p),
        ('tools_json', c_char_p),
        ('tools_required', c_int32),
        ('tools_single', c_int32),
        ('tool_name', c_char_p),
        ('adapters', POINTER(quant_adapter_use)),
        ('adapter_count', c_size_t),
    ]


class quant_scheduler_statistics(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('running', c_uint32),
        ('waiting', c_uint32),
        ('requests', c_uint64),
        ('refused', c_uint64),
        ('cancelled', c_uint64),
        ('prompt_tokens', c_uint64),
        ('cached_tokens', c_uint64),
        ('generated_tokens', c_uint64),
        ('kept_tokens', c_uint64),
        ('step_seconds', c_double),
    ]


class quant_session_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('context_length', c_uint32),
        ('activations', c_int),
        ('key_type', c_int),
        ('value_type', c_int),
        ('draft_model', c_void_p),
        ('lookup', c_int32),
        ('draft_tokens', c_uint32),
        ('adapters', POINTER(quant_adapter_use)),
        ('adapter_count', c_size_t),
    ]


class quant_batch_step(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('session', c_void_p),
        ('tokens', c_void_p),
        ('count', c_size_t),
        ('logits', c_void_p),
        ('last_logits', c_void_p),
    ]


quant_text_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)


class quant_generate_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('prompt', c_char_p),
        ('prompt_bytes', c_size_t),
        ('text_flags', c_uint32),
        ('whole', c_int32),
        ('max_tokens', c_uint32),
        ('sampling', POINTER(quant_sampling)),
        ('on_text', quant_text_fn),
        ('on_prefill', quant_progress_fn),
        ('user', c_void_p),
        ('control_text', c_int32),
    ]


class quant_shared_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('flags', c_uint32),
        ('socket', c_char_p),
        ('timeout_seconds', c_double),
        ('progress', quant_progress_fn),
        ('user', c_void_p),
    ]


class quant_lent_part(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('kind', c_int),
        ('descriptor', c_int32),
        ('name', c_char_p),
        ('origin', c_char_p),
        ('bytes', c_uint64),
        ('sealed', c_int32),
        ('files', c_size_t),
    ]


class quant_render_options(Struct):
    _fields_ = [
        ('size', c_size_t),
        ('messages_json', c_char_p),
        ('tools_json', c_char_p),
        ('add_generation_prompt', c_int32),
        ('bos_token', c_char_p),
        ('eos_token', c_char_p),
        ('now', c_char_p),
        ('variables_json', c_char_p),
    ]


quant_reply_fn = CFUNCTYPE(None, c_void_p, POINTER(quant_reply_event))
quant_log_fn = CFUNCTYPE(None, c_void_p, c_int, c_void_p)

# Result and parameters of each function.
FUNCTIONS = {
    'quant_active_tier': (c_int, [POINTER(c_char_p)]),
    'quant_adapter_free': (None, [c_void_p]),
    'quant_adapter_get_info': (c_int, [c_void_p, POINTER(quant_adapter_info)]),
    'quant_adapter_open': (c_int, [POINTER(c_void_p), c_void_p, c_char_p]),
    'quant_architecture_generates': (c_int32, [c_char_p]),
    'quant_bench': (c_int, [c_void_p, POINTER(quant_bench_options), POINTER(quant_bench_result)]),
    'quant_bench_options_init': (None, [POINTER(quant_bench_options), c_size_t]),
    'quant_catalog_add_named_variant': (c_int, [c_void_p, c_char_p, c_char_p, c_void_p, c_char_p, quant_progress_fn, c_void_p, POINTER(c_void_p)]),
    'quant_catalog_add_variant': (c_int, [c_void_p, c_char_p, c_void_p, c_char_p, quant_progress_fn, c_void_p, POINTER(c_void_p)]),
    'quant_catalog_adopt': (c_int, [c_void_p, c_char_p, c_char_p, quant_progress_fn, c_void_p, POINTER(c_void_p)]),
    'quant_catalog_base': (c_int, [c_void_p, c_char_p, POINTER(c_void_p)]),
    'quant_catalog_calibration_text': (c_int, [c_void_p, c_char_p, POINTER(c_void_p), c_void_p]),
    'quant_catalog_clean': (c_int, [c_void_p, c_void_p]),
    'quant_catalog_copy': (c_int, [c_void_p, c_char_p, c_char_p, POINTER(c_void_p)]),
    'quant_catalog_eval_text': (c_int, [c_void_p, c_char_p, POINTER(c_void_p), c_void_p]),
    'quant_catalog_free': (None, [c_void_p]),
    'quant_catalog_import': (c_int, [c_void_p, c_char_p, c_char_p, quant_progress_fn, c_void_p, POINTER(c_void_p)]),
    'quant_catalog_list': (c_int, [c_void_p, c_char_p, POINTER(c_void_p)]),
    'quant_catalog_named_path': (c_int, [c_void_p, c_char_p, c_char_p, POINTER(c_void_p)]),
    'quant_catalog_open': (c_int, [POINTER(c_void_p), c_char_p]),
    'quant_catalog_output_path': (c_int, [c_void_p, c_char_p, c_char_p, POINTER(c_void_p)]),
    'quant_catalog_record_bench': (c_int, [c_void_p, c_char_p, POINTER(quant_bench_result)]),
    'quant_catalog_record_eval': (c_int, [c_void_p, c_char_p, c_char_p, c_char_p, POINTER(quant_eval_result)]),
    'quant_catalog_remove': (c_int, [c_void_p, c_char_p, c_uint32, c_void_p]),
    'quant_catalog_resolve': (c_int, [c_void_p, c_char_p, POINTER(c_void_p), POINTER(c_void_p)]),
    'quant_catalog_show': (c_int, [c_void_p, c_char_p, POINTER(c_void_p)]),
    'quant_catalog_show_model': (c_int, [c_void_p, c_char_p, POINTER(c_void_p)]),
    'quant_catalog_stamp': (c_int, [c_void_p, c_char_p, c_char_p, c_char_p, POINTER(quant_eval_result), quant_progress_fn, c_void_p]),
    'quant_checkpoint_type_count': (c_size_t, []),
    'quant_checkpoint_type_get': (c_int, [c_size_t, POINTER(quant_checkpoint_type)]),
    'quant_compare': (c_int, [c_void_p, c_void_p, c_void_p, POINTER(quant_eval_options), POINTER(quant_eval_result), POINTER(quant_eval_result), POINTER(quant_comparison)]),
    'quant_container_decode': (c_int, [c_void_p, c_size_t, c_void_p, c_uint64]),
    'quant_container_find': (c_int, [c_void_p, c_char_p, c_void_p]),
    'quant_container_free': (None, [c_void_p]),
    'quant_container_metadata': (c_int, [c_void_p, c_size_t, POINTER(c_void_p)]),
    'quant_container_open': (c_int, [POINTER(c_void_p), c_char_p]),
    'quant_container_tensor': (c_int, [c_void_p, c_size_t, POINTER(quant_tensor_info)]),
    'quant_container_tensor_count': (c_size_t, [c_void_p]),
    'quant_decode': (c_int, [c_int, c_void_p, c_uint64, c_uint64, c_uint64, c_void_p]),
    'quant_detokenize': (c_int, [c_void_p, c_void_p, c_size_t, c_uint32, POINTER(c_void_p), c_void_p]),
    'quant_embedding_options_init': (None, [POINTER(quant_embedding_options), c_size_t]),
    'quant_embeddings_count': (c_size_t, [c_void_p]),
    'quant_embeddings_free': (None, [c_void_p]),
    'quant_embeddings_get': (c_int, [c_void_p, c_size_t, POINTER(quant_embedding)]),
    'quant_encode': (c_int, [c_int, c_void_p, c_uint64, c_uint64, POINTER(quant_encode_options), c_void_p, c_uint64]),
    'quant_encode_options_init': (None, [POINTER(quant_encode_options), c_size_t]),
    'quant_encoded_size': (c_int, [c_int, c_uint64, c_uint64, c_void_p]),
    'quant_encoding_count': (c_size_t, []),
    'quant_encoding_find': (c_int, [c_char_p, c_void_p]),
    'quant_encoding_get': (c_int, [c_size_t, POINTER(quant_encoding_info)]),
    'quant_error_message': (c_char_p, []),
    'quant_eval_options_init': (None, [POINTER(quant_eval_options), c_size_t]),
    'quant_evaluate': (c_int, [c_void_p, c_void_p, POINTER(quant_eval_options), POINTER(quant_eval_result)]),
    'quant_evaluate_tasks': (c_int, [c_void_p, c_void_p, POINTER(quant_task_options), POINTER(quant_task_result)]),
    'quant_generate': (c_int, [c_void_p, POINTER(quant_generate_options), POINTER(quant_generate_result)]),
    'quant_generate_options_init': (None, [POINTER(quant_generate_options), c_size_t]),
    'quant_importance_gather': (c_int, [c_char_p, POINTER(quant_importance_options), c_char_p]),
    'quant_importance_options_init': (None, [POINTER(quant_importance_options), c_size_t]),
    'quant_machine_describe': (c_int, [POINTER(c_void_p)]),
    'quant_machine_topology': (c_int, [POINTER(c_void_p)]),
    'quant_matrix_free': (None, [c_void_p]),
    'quant_matrix_multiply': (c_int, [c_void_p, c_void_p, c_uint64, c_void_p]),
    'quant_matrix_pack': (c_int, [POINTER(c_void_p), c_int, c_uint64, c_uint64, c_void_p, c_uint64]),
    'quant_model_embed': (c_int, [POINTER(c_void_p), c_void_p, POINTER(quant_embedding_input), c_size_t, POINTER(quant_embedding_options)]),
    'quant_model_free': (None, [c_void_p]),
    'quant_model_get_info': (c_int, [c_void_p, POINTER(quant_model_info)]),
    'quant_model_get_lent_part': (c_int, [c_void_p, c_size_t, POINTER(quant_lent_part)]),
    'quant_model_get_reasoning': (c_int, [c_void_p, POINTER(quant_reasoning_info)]),
    'quant_model_open': (c_int, [POINTER(c_void_p), c_char_p, POINTER(quant_open_options)]),
    'quant_model_open_shared': (c_int, [POINTER(c_void_p), c_char_p, POINTER(quant_shared_options)]),
    'quant_model_render_chat': (c_int, [c_void_p, POINTER(quant_render_options), POINTER(c_void_p)]),
    'quant_model_tokenizer': (c_void_p, [c_void_p]),
    'quant_open_options_init': (None, [POINTER(quant_open_options), c_size_t]),
    'quant_plan_free': (None, [c_void_p]),
    'quant_plan_get_summary': (c_int, [c_void_p, POINTER(quant_plan_summary)]),
    'quant_plan_get_tensor': (c_int, [c_void_p, c_size_t, POINTER(quant_plan_tensor)]),
    'quant_plan_new': (c_int, [POINTER(c_void_p), c_char_p, POINTER(quant_quantize_options)]),
    'quant_plan_run': (c_int, [c_void_p, c_char_p, quant_progress_fn, c_void_p]),
    'quant_plan_search': (c_int, [c_char_p, POINTER(quant_target), POINTER(c_void_p)]),
    'quant_quantize_options_init': (None, [POINTER(quant_quantize_options), c_size_t]),
    'quant_render_options_init': (None, [POINTER(quant_render_options), c_size_t]),
    'quant_reply_parser_feed': (c_int, [c_void_p, c_char_p, c_size_t, quant_reply_fn, c_void_p]),
    'quant_reply_parser_finish': (c_int, [c_void_p, quant_reply_fn, c_void_p]),
    'quant_reply_parser_free': (None, [c_void_p]),
    'quant_reply_parser_new': (c_int, [POINTER(c_void_p), c_void_p, c_char_p, c_char_p, c_size_t]),
    'quant_request_init': (None, [POINTER(quant_request), c_size_t]),
    'quant_sampling_init': (None, [POINTER(quant_sampling), c_size_t]),
    'quant_scheduler_cancel': (None, [c_void_p, c_uint64]),
    'quant_scheduler_free': (None, [c_void_p]),
    'quant_scheduler_get_statistics': (c_int, [c_void_p, POINTER(quant_scheduler_statistics)]),
    'quant_scheduler_new': (c_int, [POINTER(c_void_p), c_void_p, POINTER(quant_scheduler_options)]),
    'quant_scheduler_options_init': (None, [POINTER(quant_scheduler_options), c_size_t]),
    'quant_scheduler_pause': (None, [c_void_p, c_uint64, c_int32]),
    'quant_scheduler_submit': (c_int, [c_void_p, POINTER(quant_request), c_void_p]),
    'quant_session_capacity': (c_uint32, [c_void_p]),
    'quant_session_fork': (c_int, [POINTER(c_void_p), c_void_p, c_uint32]),
    'quant_session_free': (None, [c_void_p]),
    'quant_session_length': (c_uint32, [c_void_p]),
    'quant_session_new': (c_int, [POINTER(c_void_p), c_void_p, POINTER(quant_session_options)]),
    'quant_session_options_init': (None, [POINTER(quant_session_options), c_size_t]),
    'quant_session_run': (c_int, [c_void_p, c_void_p, c_size_t, c_void_p, c_void_p]),
    'quant_session_run_batch': (c_int, [POINTER(quant_batch_step), c_size_t]),
    'quant_session_set_adapters': (c_int, [c_void_p, POINTER(quant_adapter_use), c_size_t]),
    'quant_session_truncate': (c_int, [c_void_p, c_uint32]),
    'quant_set_logger': (None, [quant_log_fn, c_void_p]),
    'quant_shared_options_init': (None, [POINTER(quant_shared_options), c_size_t]),
    'quant_status_name': (c_char_p, [c_int]),
    'quant_string_free': (None, [c_void_p]),
    'quant_target_init': (None, [POINTER(quant_target), c_size_t]),
    'quant_task_options_init': (None, [POINTER(quant_task_options), c_size_t]),
    'quant_template_render': (c_int, [c_char_p, c_size_t, c_char_p, POINTER(quant_render_options), POINTER(c_void_p)]),
    'quant_tokenize': (c_int, [c_void_p, c_char_p, c_size_t, c_uint32, c_void_p, c_size_t, c_void_p]),
    'quant_tokenizer_free': (None, [c_void_p]),
    'quant_tokenizer_open': (c_int, [POINTER(c_void_p), c_char_p]),
    'quant_tokenizer_size': (c_size_t, [c_void_p]),
    'quant_type_count': (c_size_t, []),
    'quant_type_get': (c_int, [c_size_t, POINTER(quant_type_info)]),
    'quant_variant_list_count': (c_size_t, [c_void_p]),
    'quant_variant_list_free': (None, [c_void_p]),
    'quant_variant_list_get': (c_int, [c_void_p, c_size_t, POINTER(quant_variant_info)]),
    'quant_version': (c_char_p, []),
}
