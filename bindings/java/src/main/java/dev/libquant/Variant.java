package dev.libquant;

import dev.libquant.internal.quant_variant_info;

/**
 * A variant of the catalog. Numbers that were not measured are NaN.
 *
 * @param name such as "kjv-5m:Q4_K_M"
 * @param model such as "kjv-5m"
 * @param variant such as "Q4_K_M"
 * @param architecture of the model
 * @param base name of the variant it was made from, or ""
 * @param path of its file
 * @param fileMissing whether the file is not there now
 * @param parameters elements of all tensors
 * @param bytes of its files
 * @param bitsPerWeight 8 * tensor bytes / parameters
 * @param ppl perplexity, by the latest measurement
 * @param pplSe its standard error
 * @param kldMean mean KL divergence from the base
 * @param kldSe its standard error
 * @param top1 share of tokens where it agrees with the base
 * @param decodePerSecond tokens, latest on this machine
 * @param prefillPerSecond tokens, likewise
 */
public record Variant(
        String name, String model, String variant, String architecture, String base, String path, boolean fileMissing,
        long parameters, long bytes, double bitsPerWeight, double ppl, double pplSe, double kldMean, double kldSe,
        double top1, double decodePerSecond, double prefillPerSecond) {

    static Variant of(quant_variant_info from) {
        return new Variant(from.getName(), from.getModel(), from.getVariant(), from.getArchitecture(), from.getBase(),
                from.getPath(), from.getFile_missing() != 0, from.getParameters(), from.getBytes(),
                from.getBits_per_weight(), from.getPpl(), from.getPpl_se(), from.getKld_mean(), from.getKld_se(),
                from.getTop1(), from.getDecode_per_second(), from.getPrefill_per_second());
    }
}
