package dev.libquant;

import dev.libquant.internal.NativeQuant;
import dev.libquant.internal.quant_type_info;
import java.util.ArrayList;
import java.util.List;

/**
 * A type mix: a name that users know, and the rule that gives each tensor its encoding.
 *
 * @param name such as "Q4_K_M"
 * @param summary one line for a person
 * @param encoding of most tensors
 * @param bitsPerWeight of that encoding; a mix comes out a little higher
 */
public record TypeMix(String name, String summary, Encoding encoding, double bitsPerWeight) {
    /**
     * All there are.
     *
     * @return smallest first
     */
    public static List<TypeMix> list() {
        List<TypeMix> out = new ArrayList<>();
        for (long i = 0; i < NativeQuant.type_count(); ++i) {
            long index = i;
            out.add(Call.of(outcome -> Call.read(NativeQuant.type_at(index, outcome), TypeMix::of)));
        }
        return List.copyOf(out);
    }

    private static TypeMix of(quant_type_info from) {
        return new TypeMix(
                from.getName(), from.getSummary(), Encoding.of(from.getEncoding()), from.getBits_per_weight());
    }
}
