// Between arrays of Java and those of C++. What cannot be made is null, with Java's OutOfMemoryError pending.
#pragma once

#include <jni.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace quant_jni {

/// "" for null.
inline std::string string_of(JNIEnv *env, jbyteArray bytes) {
    std::string out;
    if (!bytes) return out;
    out.resize(static_cast<size_t>(env->GetArrayLength(bytes)));
    env->GetByteArrayRegion(bytes, 0, static_cast<jsize>(out.size()), reinterpret_cast<jbyte *>(out.data()));
    return out;
}

inline jbyteArray bytes_of(JNIEnv *env, const char *data, size_t size) {
    jbyteArray out = env->NewByteArray(static_cast<jsize>(size));
    if (out) env->SetByteArrayRegion(out, 0, static_cast<jsize>(size), reinterpret_cast<const jbyte *>(data));
    return out;
}

inline std::vector<int32_t> ids_of(JNIEnv *env, jintArray ids) {
    std::vector<int32_t> out;
    if (!ids) return out;
    out.resize(static_cast<size_t>(env->GetArrayLength(ids)));
    env->GetIntArrayRegion(ids, 0, static_cast<jsize>(out.size()), out.data());
    return out;
}

inline jintArray ints_of(JNIEnv *env, const std::vector<int32_t> &values) {
    jintArray out = env->NewIntArray(static_cast<jsize>(values.size()));
    if (out) env->SetIntArrayRegion(out, 0, static_cast<jsize>(values.size()), values.data());
    return out;
}

inline jfloatArray floats_of(JNIEnv *env, const std::vector<float> &values) {
    jfloatArray out = env->NewFloatArray(static_cast<jsize>(values.size()));
    if (out) env->SetFloatArrayRegion(out, 0, static_cast<jsize>(values.size()), values.data());
    return out;
}

} // namespace quant_jni
