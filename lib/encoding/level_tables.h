// Levels that standards give as tables, for whoever decodes them. Plain arrays, since tiers of kernels read them, too.
#pragma once

namespace quant {

/// Where a sixteenth each of normal weights lies. Source: QLoRA (arXiv 2305.14314), with bitsandbytes' digits.
inline constexpr float nf4_levels[16] = {-1.0f,
                                         -0.6961928009986877f,
                                         -0.5250730514526367f,
                                         -0.39491748809814453f,
                                         -0.28444138169288635f,
                                         -0.18477343022823334f,
                                         -0.09105003625154495f,
                                         0.0f,
                                         0.07958029955625534f,
                                         0.16093020141124725f,
                                         0.24611230194568634f,
                                         0.33791524171829224f,
                                         0.44070982933044434f,
                                         0.5626170039176941f,
                                         0.7229568362236023f,
                                         1.0f};

/// bitsandbytes' FP4: a sign, and eight sizes in the order of their codes there.
inline constexpr float fp4_last = 0.0052083334885537624f, fp4_sixth = 0.1666666716337204f,
                       fp4_third = 0.3333333432674408f, fp4_two_thirds = 0.6666666865348816f;
inline constexpr float fp4_levels[16] = {0.0f, fp4_last,  fp4_two_thirds,  1.0f,  fp4_third,  0.5f,  fp4_sixth,  0.25f,
                                         0.0f, -fp4_last, -fp4_two_thirds, -1.0f, -fp4_third, -0.5f, -fp4_sixth, -0.25f};

/// The 4-bit float of OCP Microscaling Formats and NVFP4 (E2M1). The second zero is negative.
inline constexpr float e2m1_levels[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                          -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

} // namespace quant
